// The lifecycle log: what became of every session, also of one whose process was killed.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Mayfly } from 'mayfly';
import type { LifecycleRecord } from 'mayfly';

/** Opens a session, fills it, and is killed before it can close it. */
async function crash(dataDir: string): Promise<void> {
  const file = new URL('../data/gapminder.json', import.meta.resolve('vega-datasets'));
  const mayfly = await Mayfly.open({ dataDir });
  const session = await mayfly.tenant('acme').openSession({ timeout: '1h' });
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
  process.kill(process.pid, 'SIGKILL');
}

async function settle(dataDir: string): Promise<void> {
  // Opening the folder again first settles what the dead process owed.
  await using mayfly = await Mayfly.open({ dataDir });
  const acme = mayfly.tenant('acme');

  const tidy = await acme.openSession();
  await tidy.createTableAs('squares', 'SELECT range AS n, range * range AS square FROM range(100)');
  await tidy.close();

  const late = await acme.openSession({ timeout: '500ms' });
  await late.ended;

  // One call erases all of a user's.
  await acme.openSession({ labels: { user: '42' } });
  await acme.openSession({ labels: { user: '42' } });
  await acme.closeSessions({ labels: { user: '42' } });

  // The log from its beginning. A tenant reads its own records and nobody else's.
  const chains = new Map<string, LifecycleRecord[]>();
  let next = 0;
  for await (const { offset, record } of acme.lifecycle()) {
    chains.set(record.session_id, [...(chains.get(record.session_id) ?? []), record]);
    next = offset + 1;
  }
  for (const chain of chains.values()) show(chain);

  // The last offset plus 1 is where to go on. With `follow` the loop also waits for what is yet to come.
  const last = await acme.openSession();
  const chain: LifecycleRecord[] = [];
  for await (const { record } of acme.lifecycle({ from: next, follow: true })) {
    chain.push(record);
    if (record.event === 'opened') await last.forceClose();
    else break;
  }
  show(chain);
}

function show(chain: readonly LifecycleRecord[]): void {
  const { details, deleted_row_count: rows } = chain.at(-1) ?? {};
  const events = chain.map(({ event }) => event).join(' → ');
  console.log(
    `${events.padEnd(20)}  ${details?.reason?.padEnd(12)}  ${String(rows).padStart(3)} rows  ${details?.counted}, ${details?.proof}`,
  );
}

const [, , folderToCrashIn] = process.argv;
if (folderToCrashIn === undefined) {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'mayfly-lifecycle-'));
  const [, signal] = (await once(fork(import.meta.filename, [dataDir]), 'exit')) as [null, string];
  console.log(`The first process ended by ${signal}, with a session open.`);
  await settle(dataDir);
  await rm(dataDir, { recursive: true });
} else await crash(folderToCrashIn);
