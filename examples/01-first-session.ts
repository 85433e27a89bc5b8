// A first session: a table of penguins, one question, and the record that all of it is gone.
import { readFile } from 'node:fs/promises';
import { Mayfly } from 'mayfly';

const file = new URL('../data/penguins.json', import.meta.resolve('vega-datasets'));
const penguins = JSON.parse(await readFile(file, 'utf8')) as object[];

const mayfly = await Mayfly.open({ dataDir: '.mayfly-tutorial' });
const acme = mayfly.tenant('acme');
const session = await acme.openSession({ timeout: '10m', labels: { chapter: 'first-session' } });

await session.createTable('penguins', {
  columns: [
    { name: 'Species', type: 'VARCHAR' },
    { name: 'Island', type: 'VARCHAR' },
    { name: 'Beak Length (mm)', type: 'DOUBLE' },
    { name: 'Beak Depth (mm)', type: 'DOUBLE' },
    { name: 'Flipper Length (mm)', type: 'INTEGER' },
    { name: 'Body Mass (g)', type: 'INTEGER' },
    { name: 'Sex', type: 'VARCHAR' },
  ],
});
console.log(`${await session.insert('penguins', penguins)} penguins are in.`);

interface Species {
  readonly species: string;
  readonly birds: bigint;
  readonly grams: number;
}

const answer = await session.rows<Species>(`
  SELECT "Species" AS species, count(*) AS birds, avg("Body Mass (g)") AS grams
  FROM penguins
  GROUP BY species
  ORDER BY grams DESC`);

for (const { species, birds, grams } of answer) {
  console.log(`${species.padEnd(10)} ${String(birds).padStart(4)} birds, ${(grams / 1000).toFixed(2)} kg on average`);
}

const record = await session.close();
console.log(`Session ${session.id}: ${record.event}.`);
console.log(
  `${record.deleted_row_count} rows deleted, counted: ${record.details?.counted}, proof: ${record.details?.proof}.`,
);

await mayfly.close();
