import { tableFromArrays } from 'apache-arrow';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { arrowTable, bodyOf, bytesOf, ipc, MIB, name, rows, startPool, work, type OpenedSlot, type Pool } from './harness.ts';

let pool: Pool;
let opened: OpenedSlot;
const ids = (count: number): Int32Array => Int32Array.from({ length: count }, (_, index) => index);

beforeAll(async () => {
  pool = await startPool();
  opened = await pool.open('acme');
});
afterAll(async () => pool[Symbol.asyncDispose]());

describe('the work of a session', () => {
  it('makes a table from an Arrow body, reads it back and drops it with its count', async () => {
    const { slot } = opened;
    const options = work();
    const data = tableFromArrays({ id: ids(5_000), word: Array.from({ length: 5_000 }, (_, index) => `word ${index}`) });
    expect(await slot.createTable(name('words'), { kind: 'arrow', body: bodyOf(ipc(data), 777) }, ['id'], options)).toEqual({ rows: 5_000 });
    expect(options.notes).toEqual([{ name: 'words', rows: 5_000 }]);
    const back = await arrowTable(slot, 'SELECT id, word FROM words ORDER BY id');
    expect(back.numRows).toBe(5_000);
    expect(back.get(4_999)?.toJSON()).toEqual({ id: 4_999, word: 'word 4999' });
    expect(await slot.describeTable(name('words'), work())).toEqual({
      name: 'words',
      rows: 5_000,
      primaryKey: ['id'],
      columns: [
        { name: 'id', type: 'INTEGER', nullable: false },
        { name: 'word', type: 'VARCHAR', nullable: true },
      ],
    });
    const dropping = work();
    expect(await slot.dropTable(name('words'), dropping)).toEqual({ rows: 5_000 });
    expect(dropping.notes).toEqual([{ name: 'words', rows: 0 }]);
    await expect(slot.describeTable(name('words'), work())).rejects.toMatchObject({ code: 'unknown_table', fields: { name: 'words' } });
  });

  // Up to 16,384 rows go in by one flush without a transaction around it; 250,000 are more than an appender holds back.
  it.each([2, 2_049, 16_384, 16_385, 250_000, 500_000])('inserts nothing of %i rows when the key of the last is a duplicate', async (count) => {
    const { slot } = opened;
    const table = name(`keys_${count}`);
    await slot.createTable(table, { kind: 'columns', columns: [{ name: 'id', type: 'int' }] }, ['id'], work());
    const keys = ids(count);
    keys[count - 1] = 0;
    const body = bodyOf(ipc(tableFromArrays({ id: keys })));
    await expect(slot.insert(table, 'arrow', body, work())).rejects.toMatchObject({ code: 'constraint_violation' });
    expect(await rows(slot, `SELECT count(*) FROM ${table}`)).toEqual([[0]]);
    expect(await slot.insert(table, 'json', bodyOf(Buffer.from('[{"id":1},{"id":2}]')), work())).toEqual({ rows: 2 });
    expect(await rows(slot, `SELECT id FROM ${table} ORDER BY id`)).toEqual([[1], [2]]);
  });

  it('inserts nothing from a body that is cut off, wherever', async () => {
    const { slot } = opened;
    await slot.createTable(name('cuts'), { kind: 'columns', columns: [{ name: 'id', type: 'int' }] }, [], work());
    const whole = ipc(tableFromArrays({ id: ids(3) }));
    for (let cut = 0; cut < whole.byteLength; cut += cut > whole.byteLength - 24 ? 1 : 13) {
      await expect(slot.insert(name('cuts'), 'arrow', bodyOf(whole.subarray(0, cut)), work()), `cut at ${cut}`).rejects.toMatchObject({
        code: 'invalid_arrow',
      });
    }
    expect(await rows(slot, 'SELECT count(*) FROM cuts')).toEqual([[0]]);
    expect(await slot.insert(name('cuts'), 'arrow', bodyOf(whole), work())).toEqual({ rows: 3 });
  });

  it('inserts nothing when the body fails on its way', async () => {
    const { slot } = opened;
    await slot.createTable(name('fails'), { kind: 'columns', columns: [{ name: 'id', type: 'int' }] }, [], work());
    const whole = ipc(tableFromArrays({ id: ids(300_000) }));
    const failing = async function* (): AsyncGenerator<Uint8Array> {
      yield* bodyOf(whole.subarray(0, whole.byteLength / 2));
      throw new Error('the client went away');
    };
    await expect(slot.insert(name('fails'), 'arrow', failing(), work())).rejects.toThrow('the client went away');
    expect(await rows(slot, 'SELECT count(*) FROM fails')).toEqual([[0]]);
  });

  it('tells a statement that fails after a million rows, with its reason when nothing was sent', async () => {
    const { slot } = opened;
    const late = "SELECT CASE WHEN i = 2000000 THEN error('too late') ELSE repeat(i::VARCHAR, 3) END AS text FROM range(3000000) t(i)";
    const answer = await slot.query({ query: late, format: 'arrow' }, work());
    let sent = 0;
    await expect(
      (async () => {
        for await (const piece of answer.body) sent += piece.byteLength;
      })(),
    ).rejects.toMatchObject({ code: 'query_error', message: expect.stringContaining('too late') });
    expect(sent).toBeGreaterThan(MIB);
    const small = "SELECT CAST(CASE WHEN i = 900 THEN 'x' ELSE '1' END AS INTEGER) AS n FROM range(1000) t(i)";
    await expect(slot.query({ query: small, format: 'json' }, work())).rejects.toMatchObject({
      code: 'query_error',
      message: expect.stringContaining('Could not convert'),
    });
    expect(await rows(slot, 'SELECT 1')).toEqual([[1]]);
  });

  it.each(['json', 'ndjson', 'csv', 'arrow'] as const)('answers one row, gathered, as it does a streamed one: %s', async (format) => {
    const { slot } = opened;
    const query = (i: string, from = ''): string => `
      SELECT ${i} AS n, ${i}::DOUBLE / 7 AS d, CASE WHEN ${i} % 3 = 0 THEN NULL ELSE 'x' END AS s, 'a text of some length, number ' || ${i} AS t,
        [${i}, NULL, ${i} * 2] AS l, {'a': ${i}, 'b': ['x' || ${i}]} AS st, MAP {'k' || ${i}: ${i}} AS m, [${i}, 1]::INTEGER[2] AS f, ${i}::DECIMAL(30, 3) AS dec,
        encode('blob' || ${i}) AS b, TIMESTAMP '2026-01-01' + to_minutes(${i}::INTEGER) AS ts, ${i} % 2 = 0 AS bool, ${i}::HUGEINT AS h, ${i}::VARCHAR::UTINYINT AS u ${from}`;
    const answerTo = async (statement: string): Promise<string> =>
      (await bytesOf((await slot.query({ query: statement, format }, work())).body)).toString('latin1');
    const gathered = await answerTo(query('3::BIGINT'));
    expect(gathered).toBe(await answerTo(query('i', 'FROM range(3, 4) r(i)')));
    expect(gathered).toBe(await answerTo(query('max(i)', 'FROM range(4) r(i)')));
  });

  it('tells a statement of one row that fails with its reason, and keeps nothing of it', async () => {
    const { slot } = opened;
    const failing = slot.query({ query: "SELECT sum(CAST(CASE WHEN i = 900 THEN 'x' ELSE '1' END AS INTEGER)) FROM range(1000) t(i)", format: 'json' }, work());
    await expect(failing).rejects.toMatchObject({ code: 'query_error', message: expect.stringContaining('Could not convert') });
    await expect(slot.query({ query: 'SELECT $1 + 1', parameters: ['no number'], format: 'json' }, work())).rejects.toMatchObject({ code: 'query_error' });
    const { body } = await slot.query({ query: 'SELECT $1 + 1', parameters: [41], format: 'json' }, work());
    expect(JSON.parse((await bytesOf(body)).toString())).toMatchObject({ rows: [[42]] });
  });

  it('notes a lower count before the commit and a higher one after it, and keeps the rows when a note is refused', async () => {
    const { slot } = opened;
    await slot.createTable(name('counted'), { kind: 'query', query: 'SELECT i::INTEGER AS id FROM range(10) t(i)' }, ['id'], work());
    const refused = work({
      noteCount: async () => {
        throw new Error('no lease');
      },
    });
    await expect(slot.query({ query: 'DELETE FROM counted WHERE id < 4', format: 'json' }, refused)).rejects.toMatchObject({ code: 'unavailable' });
    expect(await rows(slot, 'SELECT count(*) FROM counted')).toEqual([[10]]);
    const options = work();
    const { body } = await slot.query({ query: 'DELETE FROM counted WHERE id < 4', format: 'json' }, options);
    expect(JSON.parse((await bytesOf(body)).toString())).toEqual({ rows_changed: 4 });
    expect(options.notes).toEqual([{ name: 'counted', rows: 6 }]);
    expect(await rows(slot, 'INSERT INTO counted VALUES (100) RETURNING id', options)).toEqual([[100]]);
    expect(options.notes.at(-1)).toEqual({ name: 'counted', rows: 7 });
  });

  it('keeps nothing of DML whose rows were not read to the end', async () => {
    const { slot } = opened;
    await slot.createTable(
      name('left'),
      {
        kind: 'columns',
        columns: [
          { name: 'id', type: 'int' },
          { name: 'text', type: 'varchar' },
        ],
      },
      [],
      work(),
    );
    const query = 'INSERT INTO "left" SELECT i, repeat(\'x\', 50) FROM range(400000) t(i) RETURNING *';
    const { body } = await slot.query({ query, format: 'arrow' }, work());
    for await (const piece of body) {
      expect(piece.byteLength).toBeGreaterThan(0);
      break;
    }
    expect(await rows(slot, 'SELECT count(*) FROM "left"')).toEqual([[0]]);
  });

  it('binds parameters by their exact types', async () => {
    const { slot } = opened;
    const ask = async (query: string, parameters: readonly unknown[] | Record<string, unknown>): Promise<unknown> => {
      const { body } = await slot.query({ query, parameters, format: 'json' }, work());
      return (JSON.parse((await bytesOf(body)).toString()) as { rows: unknown[] }).rows[0];
    };
    expect(await ask('SELECT typeof($1), typeof($2), typeof($3), typeof($4), typeof($5)', [1, 2 ** 40, 1.5, 'a', true])).toEqual([
      'INTEGER',
      'BIGINT',
      'DOUBLE',
      'VARCHAR',
      'BOOLEAN',
    ]);
    expect(await ask('SELECT $n + ?::INTEGER IS NULL'.replace('?', '$m'), { n: 1, m: null })).toEqual([true]);
    expect(await ask('SELECT list_sum($1), $2.a', [[1, 2.5], { a: 'x' }])).toEqual([3.5, 'x']);
    await expect(ask('SELECT $1', [])).rejects.toMatchObject({ code: 'invalid_request' });
    await expect(ask('SELECT 1', { other: 1 })).rejects.toMatchObject({ code: 'invalid_request' });
  });

  it('knows the columns it was asked for as DuckDB has them', async () => {
    const { slot } = await pool.open('acme');
    const plain = [
      'int',
      'TEXT',
      'float8',
      'numeric(38, 4)',
      'decimal',
      'timestamptz',
      'timestamp_ns',
      'bool',
      'hugeint',
      'blob',
      'uuid',
      'interval',
      'bit',
      'JSON',
    ];
    const nested = [
      "ENUM('a', 'it''s')",
      'INTEGER[]',
      'FLOAT[3]',
      'STRUCT(a INT, "b c" VARCHAR[])',
      'MAP(VARCHAR, DECIMAL(9,2))',
      'UNION(num INT, str VARCHAR)',
    ];
    const types = [...plain, ...nested];
    const columns = types.map((type, index) => ({ name: `c${index}`, type, ...(index % 3 === 1 ? { nullable: false } : {}) }));
    await slot.createTable(name('typed'), { kind: 'columns', columns }, ['c0', 'c2'], work());
    const described = (await slot.describeTable(name('typed'), work())).columns;
    const known = described.map(({ name: column, type, nullable }) => [column, type, nullable ? 'YES' : 'NO']);
    expect(known).toEqual(await rows(slot, 'SELECT column_name, column_type, "null" FROM (DESCRIBE typed)'));
  });

  it('takes no work once sealed, and answers a repeated drop with the same receipt', async () => {
    const { slot } = await pool.open('acme');
    await slot.createTable(name('one'), { kind: 'query', query: 'SELECT 1 AS a' }, [], work());
    await slot.createTable(name('two'), { kind: 'query', query: 'SELECT unnest([1, 2]) AS a' }, [], work());
    await slot.seal();
    await expect(rows(slot, 'SELECT 1')).rejects.toMatchObject({ code: 'lease_lost' });
    const receipt = await slot.drop(7);
    expect(receipt).toMatchObject({ token: 7, surviving: [], erasure: { memory: 'catalog_detached', spill: 'none', journal: 'no_row_data' } });
    expect(receipt.dropped).toEqual([
      { name: 'one', rows: 1 },
      { name: 'two', rows: 2 },
    ]);
    expect(await slot.drop(8)).toEqual(receipt);
    await expect(rows(slot, 'SELECT 1')).rejects.toMatchObject({ code: 'lease_lost' });
  });

  it('that is cancelled while its slot is being made did nothing', async () => {
    await using slow = await startPool({ spareWorkers: 0, slotsAhead: 0 });
    const { slot } = await slow.open('acme');
    const gone = new AbortController();
    const creating = slot.createTable(name('never'), { kind: 'columns', columns: [{ name: 'a', type: 'INTEGER' }] }, [], work({ signal: gone.signal }));
    gone.abort();
    await expect(creating).rejects.toMatchObject({ code: 'query_cancelled' });
    await expect(slot.describeTable(name('never'), work())).rejects.toMatchObject({ code: 'unknown_table' });
    expect(await slot.drop(1)).toMatchObject({ dropped: [], counted: 'exact' });
  });

  it('holds nothing before its first work, and says so when it is dropped without any; none begins afterwards (I5, I6)', async () => {
    const { slot } = await pool.open('acme');
    const erasure = { memory: 'none', spill: 'none', journal: 'no_row_data' };
    expect(await slot.drop(1)).toEqual({ token: 1, dropped: [], counted: 'exact', surviving: [], erasure });
    const late = slot.createTable(name('late'), { kind: 'query', query: 'SELECT 1 AS a' }, [], work());
    await expect(late).rejects.toMatchObject({ code: 'lease_lost' });
    const sealed = await pool.open('acme');
    await sealed.slot.seal();
    await expect(rows(sealed.slot, 'SELECT 1')).rejects.toMatchObject({ code: 'lease_lost' });
    expect(await sealed.slot.drop(1)).toMatchObject({ erasure });
  });

  it('counts what an insert committed as the session was sealed, and nothing that was refused (I5, I6)', async () => {
    const { slot } = await pool.open('acme');
    await slot.createTable(name('kept'), { kind: 'query', query: 'SELECT 1 AS a' }, [], work());
    const change = rows(slot, 'INSERT INTO kept SELECT * FROM range(1000)').then(
      () => 1_001,
      () => 1,
    );
    await slot.seal();
    expect((await slot.drop(1)).dropped).toEqual([{ name: 'kept', rows: await change }]);
  });
});
