import { InvalidRequest } from '../../domain/errors.ts';
import type { ByteStream, LifecycleEntry } from '../../domain/gateway.ts';
import type { SessionId } from '../../domain/ids.ts';
import type { Clock } from '../../ports/clock.ts';
import { EVENT_STREAM_TYPE, NDJSON_TYPE } from '../route.ts';
import type { Call, Route, RouteContext } from '../route.ts';
import * as schemas from '../schemas.ts';

const RECONNECT_MS = 1_000;
const encoder = new TextEncoder();

const ndjson = (entry: LifecycleEntry): Uint8Array => encoder.encode(`${JSON.stringify(entry)}\n`);
const serverSentEvent = (entry: LifecycleEntry): Uint8Array =>
  encoder.encode(`id: ${entry.offset}\nevent: ${entry.record.event}\ndata: ${JSON.stringify(entry)}\n\n`);

/** `Last-Event-ID` names the last entry seen, so it resumes after it; it wins over `from`, which a reconnect repeats. */
function firstOffset(call: Call, events: boolean): number {
  const lastSeen = events ? call.headers['last-event-id'] : undefined;
  if (typeof lastSeen !== 'string' || lastSeen === '') return Number(call.query['from'] ?? 0);
  if (!/^\d{1,15}$/.test(lastSeen)) throw new InvalidRequest('Last-Event-ID is an offset of this log', { field: 'Last-Event-ID' });
  return Number(lastSeen) + 1;
}

/** Entries as bytes, with a comment whenever nothing came for a while: it keeps proxies from cutting an idle stream. */
async function* eventStream(entries: AsyncIterable<LifecycleEntry>, clock: Clock, keepAliveMs: number): ByteStream & AsyncGenerator<Uint8Array> {
  yield encoder.encode(`retry: ${RECONNECT_MS}\n\n`);
  const source = entries[Symbol.asyncIterator]();
  let next = source.next();
  try {
    for (;;) {
      let timer: unknown;
      const quiet = new Promise<'quiet'>((resolve) => (timer = clock.setTimeout(() => resolve('quiet'), keepAliveMs)));
      const got = await Promise.race([next, quiet]).finally(() => clock.clearTimeout(timer));
      if (got === 'quiet') {
        yield encoder.encode(': keep-alive\n\n');
        continue;
      }
      if (got.done === true) return;
      yield serverSentEvent(got.value);
      next = source.next();
    }
  } finally {
    next.catch(() => undefined);
    await source.return?.();
  }
}

async function* lines(entries: AsyncIterable<LifecycleEntry>): AsyncGenerator<Uint8Array> {
  for await (const entry of entries) yield ndjson(entry);
}

export function lifecycleRoutes({ gateway, clock, limits }: RouteContext): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/v1/lifecycle',
      summary: "Replay and follow the tenant's lifecycle records",
      access: 'tenant',
      query: schemas.lifecycleQuery,
      answers: { 200: { [NDJSON_TYPE]: schemas.lifecycleEntry, [EVENT_STREAM_TYPE]: null } },
      async handle(call) {
        call.requireStreaming();
        const type = call.negotiate([NDJSON_TYPE, EVENT_STREAM_TYPE]);
        const events = type === EVENT_STREAM_TYPE;
        const follow = call.query['follow'] === undefined ? false : call.query['follow'] === '1' || call.query['follow'] === 'true';
        const session = call.query['session_id'] as string | undefined;
        const entries = gateway.lifecycle(call.tenant, {
          from: firstOffset(call, events),
          follow,
          ...(session === undefined ? {} : { session_id: session.toLowerCase() as SessionId }),
          // I8: a replay has an end, so a drain lets it come there, or cuts the connection; it never ends it early.
          signal: follow ? AbortSignal.any([call.signal, call.draining]) : call.signal,
        });
        const stream = events ? eventStream(entries, clock, limits.followKeepAliveMs) : lines(entries);
        const headers = { 'content-type': type, 'cache-control': 'no-store', vary: 'Accept', 'x-accel-buffering': 'no' };
        return { status: 200, headers, stream, eager: follow };
      },
    },
  ];
}
