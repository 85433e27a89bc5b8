/** A signal for one piece of work, until it is over. */
export interface JoinedSignal {
  readonly signal: AbortSignal;
  /** From here on it follows its sources no more. */
  release(): void;
}

/**
 * Aborts with the first of `sources`, for its reason. It leaves nothing behind on sources that outlive it, where
 * `AbortSignal.any` leaves an entry each time: Node 20 keeps them all, Node 22 walks them all to clean up.
 */
export function joinedSignal(sources: readonly AbortSignal[]): JoinedSignal {
  const joined = new AbortController();
  const release = (): void => {
    for (const source of sources) source.removeEventListener('abort', follow);
  };
  const follow = (): void => {
    joined.abort(sources.find(({ aborted }) => aborted)?.reason);
    release();
  };
  for (const source of sources) source.addEventListener('abort', follow, { once: true });
  if (sources.some(({ aborted }) => aborted)) follow();
  return { signal: joined.signal, release };
}
