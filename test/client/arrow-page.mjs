const ROWS = 50_000;

/** What a page does with the remote client: opens a session on another origin, and moves Arrow both ways. */
export async function exercise(url, { arrow, client }) {
  const { Table, tableFromArrays, vectorFromArray, TimestampMicrosecond, Utf8 } = arrow;
  const { DuplicateTable, SessionEnded, connect } = client;
  const mayfly = await connect(url);
  const acme = mayfly.tenant('acme');
  const session = await acme.openSession({ timeout: '5m', labels: { from: 'a page' } });
  const table = new Table({
    ...columns(
      tableFromArrays({
        id: BigInt64Array.from({ length: ROWS }, (_none, row) => BigInt(row)),
        share: Float64Array.from({ length: ROWS }, (_none, row) => row / 4),
      }),
    ),
    name: vectorFromArray(
      Array.from({ length: ROWS }, (_none, row) => (row % 5 === 0 ? null : `größe ${row}`)),
      new Utf8(),
    ),
    made: vectorFromArray(
      Array.from({ length: ROWS }, (_none, row) => new Date(row * 1_000)),
      new TimestampMicrosecond(),
    ),
  });
  await session.createTable('sizes', table.schema, { primaryKey: ['id'] });
  const inserted = await session.insert('sizes', table);
  const answer = await session.sql('SELECT id, name, share, made FROM sizes WHERE id IN (0, 7) ORDER BY id');
  let streamed = 0;
  for await (const batch of session.stream('FROM sizes')) streamed += batch.numRows;
  const [totals] = await session.rows('SELECT sum(id)::BIGINT AS total, count(name) AS named FROM sizes');
  const refused = await session.createTable('sizes', table.schema).catch((error) => error);
  const following = firstTerminal(acme, session.id);
  const record = await session.close();
  const late = await session.rows('SELECT 1').catch((error) => error);
  const followed = await following;
  await mayfly.close();
  return {
    globals: [typeof process, typeof Buffer, typeof require],
    inserted,
    columns: answer.schema.fields.map(({ name, type }) => `${name}: ${type}`),
    rows: answer.toArray().map((row) => [String(row.id), row.name, row.share, Number(row.made)]),
    streamed,
    totals: { total: String(totals.total), named: Number(totals.named) },
    refused: refused instanceof DuplicateTable && refused.code,
    late: late instanceof SessionEnded && late.ended.event,
    record: { event: record.event, rows: record.deleted_row_count, proof: record.details.proof },
    followed: followed.event,
  };
}

function columns(table) {
  return Object.fromEntries(table.schema.fields.map(({ name }) => [name, table.getChild(name)]));
}

/** Hears of the end from the stream of records, as a page that shows them would. */
async function firstTerminal(tenant, session) {
  for await (const { record } of tenant.lifecycle({ follow: true })) {
    if (record.session_id === session && record.event !== 'opened') return record;
  }
  return undefined;
}
