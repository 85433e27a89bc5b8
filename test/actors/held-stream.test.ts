import { describe, expect, it } from 'vitest';
import { heldStream } from '../../actors/held-stream.ts';
import type { StreamEnd } from '../../actors/held-stream.ts';

async function* pieces(count: number, failure?: Error): AsyncGenerator<Uint8Array> {
  for (let piece = 0; piece < count; piece += 1) yield Uint8Array.of(piece);
  if (failure !== undefined) throw failure;
}

const endsOf = (count: number, failure?: Error) => {
  const ends: StreamEnd[] = [];
  const release = (end: StreamEnd): Error | undefined => {
    ends.push(end);
    return end.how === 'failed' ? new Error('the session has ended') : undefined;
  };
  return { ends, stream: heldStream(pieces(count, failure), release)[Symbol.asyncIterator]() };
};

describe('a held stream is let go of once', () => {
  it('at its end, though its reader leaves after that as well', async () => {
    const { ends, stream } = endsOf(1);
    expect((await stream.next()).value).toEqual(Uint8Array.of(0));
    expect(ends).toEqual([]);
    expect((await stream.next()).done).toBe(true);
    await stream.return?.();
    expect(ends).toEqual([{ how: 'whole' }]);
  });

  it('on a failure, which becomes what it is explained by', async () => {
    const error = new Error('late');
    const { ends, stream } = endsOf(1, error);
    await stream.next();
    await expect(stream.next()).rejects.toThrow('the session has ended');
    await stream.return?.();
    expect(ends).toEqual([{ how: 'failed', error }]);
  });

  it.each([0, 1])('when its reader leaves after %i pieces', async (read) => {
    const { ends, stream } = endsOf(3);
    for (let piece = 0; piece < read; piece += 1) await stream.next();
    await stream.return?.();
    await stream.return?.();
    expect(ends).toEqual([{ how: 'left' }]);
  });
});
