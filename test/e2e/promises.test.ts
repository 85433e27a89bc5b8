import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Field, Int64, Schema, Table, Utf8, makeVector, vectorFromArray } from 'apache-arrow';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Mayfly } from '../../src/index.ts';
import { DEPLOYMENTS } from './deployments.ts';
import type { Deployment } from './deployments.ts';
import { SURFACES } from './surfaces.ts';
import type { Surface } from './surfaces.ts';

describe('a session’s life through the library', () => {
  let dataDir: string;

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'mayfly-e2e-'));
  });

  afterAll(async () => {
    expect(await readdir(join(dataDir, 'spill'))).toEqual([]);
    await rm(dataDir, { recursive: true });
  });

  promises(() => Mayfly.open({ dataDir }));
});

describe.each(Object.keys(DEPLOYMENTS))('a session’s life on %s', (nodes) => {
  let folder: string;
  let deployment: Deployment;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mayfly-e2e-'));
    deployment = await DEPLOYMENTS[nodes]!(folder, '--drain-ms', '0');
  });

  afterAll(async () => {
    expect(new Set(await deployment.stop())).toEqual(new Set([0]));
    expect(await deployment.spilled()).toEqual([]);
    await rm(folder, { recursive: true });
  });

  describe.each(Object.keys(SURFACES))('through %s', (surface) => {
    promises(() => SURFACES[surface]!(deployment));
  });
});

/** Its answer has begun long before it fails. */
const FAILS_LATE = "SELECT CASE WHEN i = 1100000 THEN error('too late') ELSE i END AS n FROM range(1200000) t(i)";
/** Takes about a second of a core. */
const LONGER_THAN_IDLE = 'SELECT count(*) AS n FROM range(100000000) t(i) WHERE i % 7 = hash(i) % 11';

/** What every session promises, end to end, whichever way it is reached. */
function promises(reach: () => Promise<Surface>): void {
  let mayfly: Surface;

  beforeAll(async () => {
    mayfly = await reach();
  });

  afterAll(() => mayfly.close());

  const schema = new Schema([new Field('image_id', new Int64(), false), new Field('image_hash', new Utf8(), true)]);
  const images = (count: number) =>
    new Table({
      image_id: vectorFromArray(
        Array.from({ length: count }, (_, index) => BigInt(index)),
        new Int64(),
      ),
      image_hash: vectorFromArray(
        Array.from({ length: count }, (_, index) => `hash-${index}`),
        new Utf8(),
      ),
    });

  it('opens, creates, inserts and queries, and reaches its own tables by every name', async () => {
    const session = await mayfly.tenant('acme').openSession({ timeout: '5m' });
    await session.createTable('query_images', schema, { primaryKey: ['image_id'] });
    expect(await session.insert('query_images', images(3))).toBe(3);
    const hashes = await session.sql('query_images', 'SELECT image_hash FROM {table} ORDER BY image_id');
    expect([...hashes].map((row) => row['image_hash'])).toEqual(['hash-0', 'hash-1', 'hash-2']);
    for (const name of ['query_images', '{query_images}', await session.tableRef('query_images')]) {
      expect(await session.rows(`SELECT count(*) AS n FROM ${name}`)).toEqual([{ n: 3n }]);
    }
    await expect((async () => session.tableRef('nope'))()).rejects.toMatchObject({ code: 'unknown_table' });
    await session.close();
  });

  it('drops the tables on close and records it with the right count, once', async () => {
    const acme = mayfly.tenant('acme');
    const session = await acme.openSession();
    await session.createTable('a', schema);
    await session.insert('a', images(40));
    await session.createTable('b', schema);
    await session.insert('b', images(2));
    expect(await session.countRows('a')).toBe(40);
    await session.dropTable('b');
    const record = await session.close();
    expect(record).toMatchObject({ event: 'closed', ephemeral_table_count: 2, deleted_row_count: 42 });
    expect(record.details).toMatchObject({ reason: 'close', counted: 'exact', proof: 'dropped' });
    expect(await session.close()).toEqual(record);
    await expect(session.rows('SELECT 1')).rejects.toMatchObject({ code: 'session_ended', ended: record });
    const chain: string[] = [];
    for await (const entry of acme.lifecycle({ from: 0 })) if (entry.record.session_id === session.id) chain.push(entry.record.event);
    expect(chain).toEqual(['opened', 'closed']);
  });

  it('ends a session past its deadline as timed_out', async () => {
    const session = await mayfly.tenant('acme').openSession({ timeout: 3_000 });
    await session.createTable('a', schema);
    await session.insert('a', images(5));
    const record = await session.ended;
    expect(record).toMatchObject({ event: 'timed_out', deleted_row_count: 5, details: { reason: 'deadline' } });
  });

  it('ends an idle session, and not one that is used', async () => {
    const acme = mayfly.tenant('acme');
    const idle = await acme.openSession({ idleTimeout: 200 });
    expect(await idle.ended).toMatchObject({ event: 'timed_out', details: { reason: 'idle' } });
    // Work in flight is never idle, be it one piece after another that waited behind it.
    const used = await acme.openSession({ idleTimeout: 500 });
    const answers = await Promise.all(['SELECT 1 AS n', LONGER_THAN_IDLE, LONGER_THAN_IDLE].map((query) => used.rows(query)));
    expect(answers.map((rows) => rows.length)).toEqual([1, 1, 1]);
    expect(await used.ended).toMatchObject({ event: 'timed_out', details: { reason: 'idle' } });
  });

  it('I8: shows a statement that fails after a million rows as an error, never as rows', async () => {
    const session = await mayfly.tenant('acme').openSession();
    await expect(session.rows(FAILS_LATE)).rejects.toThrow();
    expect(await session.rows('SELECT 42 AS answer')).toEqual([{ answer: 42 }]);
    await session.close();
  });

  it('I8: inserts none of 500,000 rows whose last key is there already', async () => {
    const session = await mayfly.tenant('acme').openSession();
    const keys = BigInt64Array.from({ length: 500_000 }, (_, row) => BigInt(row));
    keys[keys.length - 1] = 0n;
    const key = new Schema([new Field('id', new Int64(), false)]);
    await session.createTable('keyed', key, { primaryKey: ['id'] });
    await expect(session.insert('keyed', new Table(key, { id: makeVector(keys) }))).rejects.toMatchObject({ code: 'constraint_violation' });
    expect(await session.countRows('keyed')).toBe(0);
    expect(await session.rows('SELECT count(*) AS n FROM keyed')).toEqual([{ n: 0n }]);
    expect((await session.close()).deleted_row_count).toBe(0);
  });

  it('lets a hash that was copied out survive the close', async () => {
    const session = await mayfly.tenant('acme').openSession();
    await session.createTable('a', schema);
    await session.insert('a', images(1));
    const [kept] = (await session.rows('SELECT image_hash FROM a')) as { image_hash: string }[];
    await session.close();
    expect(kept?.image_hash).toBe('hash-0');
  });

  it('I7: shows another tenant nothing, and refuses to open without a tenant', async () => {
    const session = await mayfly.tenant('acme').openSession();
    await session.createTable('secrets', schema);
    const stranger = mayfly.tenant('other').session(session.id);
    await expect(stranger.rows('SELECT * FROM secrets')).rejects.toMatchObject({ code: 'unknown_session' });
    const theirs = await mayfly.tenant('other').openSession();
    await expect(theirs.rows(`SELECT * FROM ${await session.tableRef('secrets')}`)).rejects.toMatchObject({
      code: expect.stringMatching(/^(query_error|unknown_table|statement_not_allowed)$/),
    });
    await expect((async () => mayfly.tenant('').openSession())()).rejects.toMatchObject({ code: 'no_tenant_binding' });
    await theirs.close();
    await session.close();
  });

  it('I1: close and deadline together, and close twice, leave one terminal record', async () => {
    const acme = mayfly.tenant('acme');
    const sessions = await Promise.all(Array.from({ length: 8 }, () => acme.openSession({ timeout: 400 })));
    await sessions[0]?.ended;
    const records = await Promise.all(sessions.flatMap((session) => [session.close(), session.close()]));
    expect(new Set(records.map((record) => JSON.stringify(record))).size).toBe(8);
    const ends = new Map<string, number>();
    for await (const { record } of acme.lifecycle({ from: 0 })) {
      if (record.event === 'closed' || record.event === 'timed_out') ends.set(record.session_id, (ends.get(record.session_id) ?? 0) + 1);
    }
    for (const session of sessions) expect(ends.get(session.id)).toBe(1);
  });

  it('records a forced close as timed_out', async () => {
    const session = await mayfly.tenant('acme').openSession();
    expect(await session.forceClose()).toMatchObject({ event: 'timed_out', details: { reason: 'forced' } });
  });

  it('I5: a close during a long statement interrupts it and answers soon', async () => {
    const session = await mayfly.tenant('acme').openSession();
    const statement = session.rows('SELECT count(*) FROM range(1000000000) a(i) JOIN range(1000000) b(j) ON a.i % 7 = b.j % 5');
    const failed = expect(statement).rejects.toMatchObject({ code: 'session_ended' });
    const record = await session.close();
    expect(record.event).toBe('closed');
    await failed;
  });
}
