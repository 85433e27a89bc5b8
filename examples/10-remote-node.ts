// A node of its own: one program fills a session, another asks in it. Needs a running node (`npm start`).
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { tableFromIPC } from 'apache-arrow';
import type { RecordBatch } from 'apache-arrow';
import { UnknownSession, connect } from 'mayfly/client';

const url = process.env['MAYFLY_URL'] ?? 'http://127.0.0.1:7464';

// The first program. A call with a key is done once, so it may be sent again when its answer was lost on the way.
await using loader = await connect(url);
const job = { timeout: '10m', labels: { job: 'flights' }, idempotencyKey: randomUUID() };
const session = await loader.tenant('acme').openSession(job);
const again = await loader.tenant('acme').openSession(job);
console.log(`Sent twice, opened ${session.id === again.id ? 'once' : 'twice'}.`);

const file = new URL('../data/flights-200k.arrow', import.meta.resolve('vega-datasets'));
const flights = tableFromIPC(await readFile(file));
let slices = 0;

/** The flights in slices of 50,000, each made when the node is ready for it. */
function* inSlices(): Generator<RecordBatch> {
  for (const batch of flights.batches) {
    for (let from = 0; from < batch.numRows; from += 50_000) {
      slices += 1;
      yield batch.slice(from, from + 50_000);
    }
  }
}

await session.createTable('flights', flights.schema);
const rows = await session.insert('flights', inSlices());
console.log(`${rows} flights went in, in ${slices} slices and one transaction.`);

// The second program would be on another machine. It finds the session by its label, or is told its id.
await using asker = await connect(url);
const [found] = await asker.tenant('acme').sessions({ labels: { job: 'flights' }, state: 'active' });
const attached = asker.tenant('acme').session(found?.session_id ?? '');
const [longest] = await attached.rows<{ miles: number; delay: number }>(
  'SELECT distance AS miles, avg(delay) AS delay FROM flights GROUP BY miles ORDER BY miles DESC LIMIT 1',
);
console.log(`The longest route has ${longest?.miles} miles and a mean delay of ${longest?.delay.toFixed(1)} minutes.`);

// To another tenant the session is as unknown as one that never was.
try {
  await asker.tenant('other').session(session.id).tables();
} catch (error) {
  if (!(error instanceof UnknownSession)) throw error;
  console.log(`Another tenant: ${error.code}, ${error.status}.`);
}

// Whoever waits for the end learns of it, whoever closes.
const ended = attached.ended;
await session.close();
const record = await ended;
console.log(`The end: ${record.event}, ${record.deleted_row_count} rows deleted.`);
