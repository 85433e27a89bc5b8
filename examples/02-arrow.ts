// Arrow in, Arrow out: 200,000 flights without a loop over rows.
import { readFile } from 'node:fs/promises';
import { tableFromIPC } from 'apache-arrow';
import { Mayfly } from 'mayfly';

const file = new URL('../data/flights-200k.arrow', import.meta.resolve('vega-datasets'));
const flights = tableFromIPC(await readFile(file));

await using mayfly = await Mayfly.open({ dataDir: '.mayfly-tutorial' });
await using session = await mayfly.tenant('acme').openSession({ timeout: '10m' });

// The schema makes the table; the table's batches go in as they are.
await session.createTable('flights', flights.schema);
console.log(`${await session.insert('flights', flights)} flights: ${flights.schema.fields.join(', ')}`);

// `sql` answers an Arrow table. `time` is the hour of departure, as in 17.5; `delay` is in minutes.
const hours = await session.sql(`
  SELECT floor(time)::INTEGER AS hour, count(*) AS flights, avg(delay) AS delay
  FROM flights
  GROUP BY hour
  HAVING flights > 1000
  ORDER BY hour`);

console.log('\nMean delay by hour of departure');
for (const { hour, flights: count, delay } of hours) {
  const bar = '█'.repeat(Math.max(0, Math.round(delay * 2)));
  const line = `${String(hour).padStart(2)}h ${String(count).padStart(6)} flights ${delay.toFixed(1).padStart(5)} min ${bar}`;
  console.log(line.trimEnd());
}

// A table made of a query stays in the session: no row leaves it.
const { rows } = await session.createTableAs('late', 'SELECT * FROM flights WHERE delay > 60');
console.log(`\n${rows} flights were more than an hour late.`);

// `stream` answers batch by batch. Leaving the loop cancels the statement.
let miles = 0;
let taken = 0;
for await (const batch of session.stream('SELECT distance FROM late ORDER BY delay DESC')) {
  for (const { distance } of batch) {
    miles += distance;
    taken += 1;
    if (taken === 100) break;
  }
  if (taken === 100) break;
}
console.log(`The 100 latest of them flew ${miles} miles.`);
