/**
 * An iterator that can be left at any time. `return` of a plain async generator waits for the `next` under way, which
 * may wait for ever: here it aborts it first. `outer` aborts it as well.
 */
export function leavable<T>(outer: AbortSignal | undefined, make: (signal: AbortSignal) => AsyncGenerator<T>): AsyncGenerator<T> {
  const left = new AbortController();
  const entries = make(outer === undefined ? left.signal : AbortSignal.any([outer, left.signal]));
  const leave = entries.return.bind(entries);
  entries.return = (value) => {
    left.abort();
    return leave(value);
  };
  return entries;
}
