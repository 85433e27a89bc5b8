// An agent that writes SQL: it sees one session's tables, learns from its mistakes, and cannot do harm.
import { readFile } from 'node:fs/promises';
import { Mayfly, MayflyError } from 'mayfly';
import type { SessionHandle } from 'mayfly';

const ROWS_MAX = 5;

/** What a model would be told of the data. */
async function describe(session: SessionHandle, table: string): Promise<string> {
  const { columns, rows } = await session.describeTable(table);
  return `${table} (${columns.map(({ name, type }) => `${name} ${type}`).join(', ')}), ${rows} rows`;
}

/** The tool a model would call: a few rows of the answer, or what went wrong in words it can act on. */
async function runSql(session: SessionHandle, query: string): Promise<string> {
  try {
    const rows: string[] = [];
    for await (const batch of session.stream(query, { timeout: '2s' })) {
      for (const row of batch) {
        if (rows.length === ROWS_MAX)
          return [...rows, `(more than ${ROWS_MAX} rows: aggregate, or use LIMIT)`].join('\n');
        rows.push(row.toString());
      }
    }
    return rows.join('\n');
  } catch (error) {
    if (!(error instanceof MayflyError)) throw error;
    return `${error.code}: ${error.message}`;
  }
}

/** Stands for the model: what one wrote when it was asked. Put the call of yours here. */
const script = [
  'SELECT country, max(life_expectancy) FROM countries GROUP BY country',
  "SELECT * FROM read_csv('https://example.com/regions.csv')",
  'DROP TABLE countries',
  'SELECT count(*) FROM countries a, countries b, countries c, countries d',
  'SELECT country, life_expect FROM countries WHERE year = 2005',
  `SELECT country, round(max(life_expect) FILTER (year = 2005) - max(life_expect) FILTER (year = 1955), 1) AS gained
   FROM countries GROUP BY country ORDER BY gained DESC, country LIMIT 3`,
];

const file = new URL('../data/gapminder.json', import.meta.resolve('vega-datasets'));
await using mayfly = await Mayfly.open({ dataDir: '.mayfly-tutorial', memoryLimit: '128MB' });
const acme = mayfly.tenant('acme');
const session = await acme.openSession({ timeout: '10m', labels: { conversation: '7' } });
await session.createTable('countries', {
  columns: [
    { name: 'year', type: 'INTEGER' },
    { name: 'country', type: 'VARCHAR' },
    { name: 'cluster', type: 'INTEGER' },
    { name: 'pop', type: 'BIGINT' },
    { name: 'life_expect', type: 'DOUBLE' },
    { name: 'fertility', type: 'DOUBLE' },
  ],
});
await session.insert('countries', JSON.parse(await readFile(file, 'utf8')) as object[]);

console.log(`Where did people come to live longer?\n${await describe(session, 'countries')}`);
for (const query of script) console.log(`\n> ${query}\n${await runSql(session, query)}`);

// The conversation is over, and with it everything it worked on.
const { closed } = await acme.closeSessions({ labels: { conversation: '7' } });
console.log(`\n${closed.length} session closed, ${closed[0]?.deleted_row_count} rows deleted.`);
