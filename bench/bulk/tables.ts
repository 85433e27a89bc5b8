/** The tables of the workloads that move many rows, as DuckDB makes them, and their columns as a session is told them. */
export interface BulkTable {
  readonly rows: number;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** @param first and @param end as `range` takes them */
  readonly select: (first: number, end: number) => string;
}

export const BULK_ROWS = 1_000_000;

/** W2 and W3: bigint, double, and strings of about 20 bytes, most of them different. */
export const THREE_COLUMNS: BulkTable = {
  rows: BULK_ROWS,
  columns: [
    { name: 'id', type: 'BIGINT' },
    { name: 'amount', type: 'DOUBLE' },
    { name: 'buyer', type: 'VARCHAR' },
  ],
  select: (first, end) => `SELECT i AS id, i / 7 AS amount, 'buyer number ' || (1000000 + hash(i) % 900000) AS buyer FROM range(${first}, ${end}) t(i)`,
};

const MIXED: readonly (readonly [type: string, value: string])[] = [
  ['BOOLEAN', 'i % 3 = 0'],
  ['TINYINT', 'i % 100'],
  ['SMALLINT', 'i % 30000'],
  ['INTEGER', 'i * 7 % 2000000000'],
  ['BIGINT', 'i * 1000003'],
  ['UINTEGER', 'i'],
  ['UBIGINT', 'hash(i)'],
  ['FLOAT', 'i / 3'],
  ['DOUBLE', 'i / 7'],
  ['DECIMAL(9,2)', 'i % 1000000 / 100'],
  ['DECIMAL(18,4)', 'i / 16'],
  ['DATE', "DATE '2000-01-01' + (i % 20000)::INTEGER"],
  ['TIME', "TIME '00:00:00' + to_seconds(i % 86400)"],
  ['TIMESTAMP', "TIMESTAMP '2000-01-01' + to_seconds(i)"],
  ['TIMESTAMPTZ', "TIMESTAMPTZ '2000-01-01 00:00:00+00' + to_seconds(i)"],
  ['VARCHAR', "'kind ' || i % 100"],
  ['VARCHAR', "'a name of some length ' || i"],
  ['BLOB', "encode('bytes ' || i)"],
  ['INTEGER[]', '[i % 7, i % 11]'],
  ['STRUCT(a INTEGER, b VARCHAR)', "{a: i % 1000, b: 'part ' || i % 1000}"],
];

/** W6: 20 columns of mixed types, a tenth of each column's values null. */
export const TWENTY_COLUMNS: BulkTable = {
  rows: BULK_ROWS,
  columns: MIXED.map(([type], index) => ({ name: `c${index}`, type })),
  select: (first, end) => {
    const values = MIXED.map(([type, value], index) => `CASE WHEN (i + ${index}) % 10 <> 0 THEN (${value})::${type} END AS c${index}`);
    return `SELECT ${values.join(', ')} FROM range(${first}, ${end}) t(i)`;
  },
};
