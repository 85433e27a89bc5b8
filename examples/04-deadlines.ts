// Deadlines: of a statement, of a call, of a session nobody uses, and of a session for good.
import { readFile } from 'node:fs/promises';
import { tableFromIPC } from 'apache-arrow';
import { Mayfly, QueryCancelled, QueryTimeout, SessionEnded } from 'mayfly';

const file = new URL('../data/flights-200k.arrow', import.meta.resolve('vega-datasets'));
const flights = tableFromIPC(await readFile(file));

await using mayfly = await Mayfly.open({ dataDir: '.mayfly-tutorial' });
const acme = mayfly.tenant('acme');
const session = await acme.openSession({ timeout: '10m' });
await session.createTable('flights', flights.schema);
await session.insert('flights', flights);

// Every flight beside every other: 40,000,000,000 pairs, far more than anybody waits for.
const pairs = 'SELECT count(*) FROM flights a, flights b WHERE sqrt(a.distance + b.distance) > 1000';

try {
  await session.sql(pairs, { timeout: '300ms' });
} catch (error) {
  if (!(error instanceof QueryTimeout)) throw error;
  console.log(`Statement: ${error.code}. The session is ${session.state}.`);
}

try {
  await session.sql(pairs, { signal: AbortSignal.timeout(300) });
} catch (error) {
  if (!(error instanceof QueryCancelled)) throw error;
  console.log(
    `Signal: ${error.code}. The session is ${session.state}, with ${await session.countRows('flights')} flights.`,
  );
}

// `timeout` counts from creation. It can be moved both ways: from 10 minutes to half a second from now.
await session.extend({ timeout: Date.now() - session.createdAt.getTime() + 500 });
const record = await session.ended;
console.log(`Deadline: ${record.event}, reason ${record.details?.reason}, ${record.deleted_row_count} rows deleted.`);

try {
  await session.sql('SELECT count(*) FROM flights');
} catch (error) {
  if (!(error instanceof SessionEnded)) throw error;
  console.log(`Afterwards: ${error.code}.`);
}

// The idle timeout counts from the last use. Looking at a session is no use of it, `touch` is.
const forgotten = await acme.openSession({ timeout: '1h', idleTimeout: '1s' });
await forgotten.createTableAs('numbers', 'FROM range(1000)');
const { event, details, deleted_row_count } = await forgotten.ended;
console.log(`Idle: ${event}, reason ${details?.reason}, ${deleted_row_count} rows deleted.`);

// Closing what has ended answers how it ended.
console.log(`Closed again: ${(await forgotten.close()).event}.`);
