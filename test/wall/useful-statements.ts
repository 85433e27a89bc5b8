import { TPCH_QUERIES } from './tpch-queries.ts';
import { TPCH_TABLES } from './tpch-tables.ts';

/** What honest users send. Each must pass the wall and work; together they need `USEFUL_TABLES`. */
export interface UsefulStatement {
  readonly name: string;
  readonly sql: string;
  /** What `{table}` stands for. */
  readonly table?: string;
  /** The first row, as texts; rows are only required to exist where it is left out. */
  readonly firstRow?: readonly (string | null)[];
  readonly kind?: 'rows' | 'dml' | 'dml_returning';
}

export const USEFUL_TABLES: readonly { readonly name: string; readonly query: string }[] = [
  ...TPCH_TABLES,
  {
    name: 'readings',
    query: `SELECT i::INT AS id, (i % 4)::INT AS sensor, TIMESTAMP '2026-01-01' + to_minutes(i::INT * 7) AS ts, (i * 37 % 101)::DOUBLE AS value FROM range(500) r(i)`,
  },
  {
    name: 'prices',
    query: `SELECT ['a', 'b'][1 + (i % 2)::INT] AS sym, TIMESTAMP '2026-01-01' + to_minutes(i::INT * 10) AS ts, (100 + i)::DOUBLE AS price FROM range(50) r(i)`,
  },
  {
    name: 'items',
    query: `SELECT i::INT AS id, 'item ' || i AS name, [i, i + 1, i * 2]::INT[] AS numbers, {'kind': CASE WHEN i % 2 = 0 THEN 'even' ELSE 'odd' END, 'weight': i * 1.5} AS attrs,
      MAP {'k' || i: i} AS tags, '{"n": ' || i || ', "tags": ["x", "y' || i || '"]}' AS doc, [i, 1, 2]::FLOAT[3] AS embedding FROM range(20) r(i)`,
  },
  { name: 'scratch', query: `SELECT i::INT AS id, 'row ' || i AS label, 0::INT AS n FROM range(100) r(i)` },
];

const computed = (name: string, expression: string, ...firstRow: (string | null)[]): UsefulStatement => ({ name, sql: `SELECT ${expression}`, firstRow });

export const USEFUL_STATEMENTS: readonly UsefulStatement[] = [
  ...TPCH_QUERIES.map((sql, index) => ({ name: `TPC-H ${index + 1}`, sql })),
  { name: '{table}', sql: 'SELECT count(*) FROM {table}', table: 'readings', firstRow: ['500'] },
  { name: '{name} twice, glued', sql: 'SELECT count(*) FROM{readings}JOIN{prices}USING(ts)', firstRow: ['8'] },
  { name: '{table}.column', sql: 'SELECT {table}.id FROM {table} ORDER BY {table}.id', table: 'items', firstRow: ['0'] },
  {
    name: 'a literal, an alias and a comment that look like it',
    sql: `SELECT '{table}' AS "{items}" /* {nope} */ FROM {items} -- {nope}\nLIMIT 1`,
    firstRow: ['{table}'],
  },
  { name: 'a CTE that shadows a table', sql: 'WITH items AS (SELECT 1) SELECT count(*) FROM {items}', firstRow: ['20'] },
  { name: 'upper case and qualifiers', sql: 'SELECT COUNT(*) FROM Mutable.PUBLIC."ITEMS"', firstRow: ['20'] },
  { name: 'VALUES', sql: "VALUES (1, 'a'), (2, 'b')", firstRow: ['1', 'a'] },
  { name: 'FROM first', sql: 'FROM items SELECT max(id)', firstRow: ['19'] },
  { name: 'TABLE', sql: 'TABLE region' },
  { name: 'a trailing semicolon', sql: 'SELECT 1;', firstRow: ['1'] },
  { name: 'a semicolon inside', sql: `SELECT ';' AS ";" -- ;`, firstRow: [';'] },
  { name: 'parentheses around', sql: '(SELECT 1) UNION ALL (SELECT 2) ORDER BY 1', firstRow: ['1'] },
  {
    name: 'recursive CTE',
    sql: 'WITH RECURSIVE f(a, b) AS (SELECT 0, 1 UNION ALL SELECT b, a + b FROM f WHERE b < 100) SELECT max(a) FROM f',
    firstRow: ['89'],
  },
  { name: 'materialized CTE', sql: 'WITH a AS MATERIALIZED (SELECT 1 AS x), b AS NOT MATERIALIZED (FROM a) SELECT x FROM b', firstRow: ['1'] },
  {
    name: 'windows',
    sql: 'SELECT sensor, avg(value) OVER w, lag(value) OVER w, row_number() OVER w, ntile(4) OVER w FROM readings WINDOW w AS (PARTITION BY sensor ORDER BY ts ROWS BETWEEN 3 PRECEDING AND CURRENT ROW)',
  },
  { name: 'range frame', sql: "SELECT sum(value) OVER (ORDER BY ts RANGE BETWEEN INTERVAL '1 hour' PRECEDING AND CURRENT ROW EXCLUDE TIES) FROM readings" },
  { name: 'ASOF join', sql: 'SELECT r.id, p.price FROM readings r ASOF JOIN prices p ON r.ts >= p.ts ORDER BY r.id', firstRow: ['0', '100'] },
  {
    name: 'QUALIFY',
    sql: 'SELECT sensor, id FROM readings QUALIFY row_number() OVER (PARTITION BY sensor ORDER BY id DESC) = 1 ORDER BY sensor',
    firstRow: ['0', '496'],
  },
  {
    name: 'lateral join',
    sql: 'SELECT r_name, n FROM region, LATERAL (SELECT count(*) AS n FROM nation WHERE n_regionkey = r_regionkey) ORDER BY 1',
    firstRow: ['AFRICA', '2'],
  },
  {
    name: 'semi, anti and positional joins',
    sql: 'SELECT count(*) FROM (FROM items SEMI JOIN scratch USING (id)) a POSITIONAL JOIN (FROM items ANTI JOIN region ON id = r_regionkey) b',
  },
  { name: 'UNNEST', sql: 'SELECT id, unnest(numbers) AS n FROM items ORDER BY ALL', firstRow: ['0', '0'] },
  { name: 'UNNEST in FROM', sql: 'SELECT sum(n) FROM items, unnest(numbers) u(n)', firstRow: ['780'] },
  { name: 'recursive unnest of a struct', sql: 'SELECT unnest(attrs, recursive := true) FROM items ORDER BY id', firstRow: ['even', '0.0'] },
  {
    name: 'GROUPING SETS',
    sql: 'SELECT sensor, grouping(sensor), count(*) FILTER (WHERE value > 50) FROM readings GROUP BY GROUPING SETS ((sensor), ()) ORDER BY ALL',
  },
  { name: 'ROLLUP and CUBE', sql: 'SELECT l_returnflag, l_linestatus, count(*) FROM lineitem GROUP BY CUBE (l_returnflag, l_linestatus)' },
  {
    name: 'ordered aggregates',
    sql: "SELECT string_agg(r_name, ', ' ORDER BY r_name), list(r_regionkey ORDER BY r_regionkey DESC)[1], arg_max(r_name, r_regionkey) FROM region",
  },
  {
    name: 'quantiles and sketches',
    sql: 'SELECT quantile_cont(value, [0.5, 0.99]), approx_count_distinct(value), median(value), mode(sensor), histogram(sensor), stddev(value) FROM readings',
  },
  {
    name: 'COLUMNS, EXCLUDE, REPLACE',
    sql: "SELECT min(COLUMNS('^(id|sensor)$')), count(*) FROM (SELECT * EXCLUDE (ts) REPLACE (value * 2 AS value) FROM readings)",
  },
  { name: 'lateral aliases', sql: 'SELECT id + 1 AS next, next * 2 AS twice FROM items WHERE next > 5 ORDER BY next', firstRow: ['6', '12'] },
  {
    name: 'list functions',
    sql: "SELECT list_sum(numbers), list_sort(numbers), len(numbers), list_contains(numbers, 3), numbers[1:2], list_aggregate(numbers, 'max') FROM items ORDER BY id LIMIT 1",
  },
  computed(
    'lambdas',
    `list_transform([1, 2, 3], lambda x: x * x)::VARCHAR, list_filter([1, 2, 3], lambda x, i: i > 1)::VARCHAR, list_reduce([1, 2, 3], lambda a, b: a + b)`,
    '[1, 4, 9]',
    '[2, 3]',
    '6',
  ),
  computed('list comprehension', `[upper(x) FOR x IN ['a', 'b'] IF x <> 'a']::VARCHAR`, '[B]'),
  computed(
    'structs and maps',
    `{'a': 1, 'b': {'c': 2}}.b.c, MAP {'k': 7}['k'], struct_pack(x := 1).x, map_keys(MAP {'z': 1})[1], {a: 3}.a`,
    '2',
    '7',
    '1',
    'z',
    '3',
  ),
  { name: 'struct columns', sql: "SELECT attrs.kind, attrs['weight'], tags['k3'] FROM items WHERE id = 3", firstRow: ['odd', '4.5', '3'] },
  {
    name: 'JSON',
    sql: `SELECT json_extract(doc, '$.n')::INT, doc->>'$.tags[1]', json_array_length(doc, '$.tags'), json_type(doc) FROM items WHERE id = 2`,
    firstRow: ['2', 'y2', '2', 'OBJECT'],
  },
  { name: 'JSON tables', sql: `SELECT key, value FROM json_each('{"a": 1, "b": 2}')`, firstRow: ['a', '1'] },
  {
    name: 'JSON made and transformed',
    sql: `SELECT to_json({'a': id}), json_object('id', id), from_json(doc, '{"n": "INTEGER"}').n, json_pretty(doc) FROM items`,
  },
  computed(
    'regular expressions',
    `regexp_extract('ab12', '([a-z]+)([0-9]+)', 2), regexp_replace('a-b-c', '-', '+', 'g'), regexp_matches('x', '^x$'), 'abc' SIMILAR TO 'a.c', 'file.txt' GLOB '*.txt'`,
    '12',
    'a+b+c',
    'true',
    'true',
    'true',
  ),
  computed(
    'text',
    `'a' || 'b', upper('x'), ('Straße').lower(), printf('%05d', 42), format('{} {}', 1, 2), levenshtein('kitten', 'sitting'), strip_accents('é'), split_part('a.b', '.', 2)`,
    'ab',
    'X',
    'straße',
    '00042',
    '1 2',
    '3',
    'e',
    'b',
  ),
  computed(
    'dates',
    `date_trunc('month', DATE '2026-05-17')::VARCHAR, date_diff('day', DATE '2026-01-01', DATE '2026-03-01'), strftime(DATE '2026-01-02', '%d.%m.%Y'), extract(dow FROM DATE '2026-01-04'), last_day(DATE '2026-02-01')::VARCHAR`,
    '2026-05-01 00:00:00',
    '59',
    '02.01.2026',
    '0',
    '2026-02-28',
  ),
  computed('time zones', `(TIMESTAMP '2026-07-01 12:00:00' AT TIME ZONE 'Europe/Berlin' AT TIME ZONE 'UTC')::VARCHAR`, '2026-07-01 10:00:00'),
  computed(
    'now and chance',
    `now() > TIMESTAMP '2020-01-01', current_date > DATE '2020-01-01', random() < 1, len(uuid()::VARCHAR), current_timestamp IS NOT NULL`,
    'true',
    'true',
    'true',
    '36',
    'true',
  ),
  { name: 'time_bucket', sql: "SELECT time_bucket(INTERVAL '1 day', ts) AS day, count(*) FROM readings GROUP BY day ORDER BY day" },
  {
    name: 'generate_series and range',
    sql: "SELECT count(*) FROM generate_series(DATE '2026-01-01', DATE '2026-01-31', INTERVAL 1 DAY), range(2)",
    firstRow: ['62'],
  },
  { name: 'PIVOT with IN', sql: 'PIVOT readings ON sensor IN (0, 1, 2, 3) USING avg(value)' },
  { name: 'PIVOT in FROM', sql: "SELECT * FROM lineitem PIVOT (count(*) FOR l_returnflag IN ('R', 'A') GROUP BY l_linestatus) ORDER BY 1" },
  { name: 'UNPIVOT', sql: 'UNPIVOT (SELECT 1 AS jan, 2 AS feb) ON jan, feb INTO NAME month VALUE n', firstRow: ['jan', '1'] },
  {
    name: 'vector distances',
    sql: 'SELECT id, array_distance(embedding, [3, 1, 2]::FLOAT[3]) AS d, array_cosine_similarity(embedding, [1, 1, 1]::FLOAT[3]), array_inner_product(embedding, embedding), embedding <=> [1, 2, 3]::FLOAT[3] FROM items ORDER BY d',
  },
  { name: 'list distances', sql: 'SELECT list_cosine_distance([1.0, 2.0], [2.0, 1.0]), list_distance([1, 2], [3, 4])' },
  { name: 'sampling', sql: 'SELECT count(*) FROM (FROM readings USING SAMPLE reservoir(10 ROWS) REPEATABLE (7))', firstRow: ['10'] },
  { name: 'collation', sql: "SELECT count(*) FROM region WHERE r_name = 'asia' COLLATE NOCASE", firstRow: ['1'] },
  { name: 'set operations', sql: 'SELECT 1 AS a UNION BY NAME SELECT 2 AS b EXCEPT SELECT 3, 4 ORDER BY ALL NULLS FIRST' },
  { name: 'DESCRIBE', sql: 'DESCRIBE items', firstRow: ['id', 'INTEGER'] },
  { name: 'DESCRIBE a query', sql: 'DESCRIBE SELECT id FROM {table}', table: 'items' },
  { name: 'SUMMARIZE', sql: 'SUMMARIZE readings', firstRow: ['id', 'INTEGER', '0', '499'] },
  { name: 'SHOW TABLES', sql: 'SHOW TABLES', firstRow: ['customer'] },
  { name: 'EXPLAIN', sql: 'EXPLAIN SELECT * FROM items WHERE id = 1' },
  { name: 'EXPLAIN ANALYZE', sql: 'EXPLAIN ANALYZE SELECT count(*) FROM items' },
  { name: 'EXPLAIN with options', sql: 'EXPLAIN (ANALYZE, FORMAT json) (SELECT 1)' },
  { name: 'letters beyond ASCII', sql: 'SELECT 1 AS größe, 2 AS 大小', firstRow: ['1', '2'] },
  {
    name: 'TRY, CASE, coalesce',
    sql: "SELECT TRY(CAST('x' AS INT)), TRY_CAST('x' AS INT), CASE WHEN true THEN 1 END, coalesce(NULL, 2), ifnull(NULL, 3), nullif(1, 1)",
    firstRow: [null, null, '1', '2', '3', null],
  },
  { name: 'a literal beyond DOUBLE', sql: 'SELECT 1e400', firstRow: ['Infinity'] },
  { name: 'hashes and encodings', sql: "SELECT md5('a'), sha256('a'), hash(1) IS NOT NULL, base64('a'::BLOB), from_hex('6162')::BLOB, bit_count(7)" },
  { name: 'INSERT', sql: "INSERT INTO scratch VALUES (1000, 'it''s; --{table}', 1)", kind: 'dml' },
  {
    name: 'INSERT with columns into {table}',
    sql: 'INSERT INTO {table} (id, label) SELECT id + 2000, upper(label) FROM scratch WHERE id < 5',
    table: 'scratch',
    kind: 'dml',
  },
  { name: 'INSERT BY NAME', sql: "INSERT INTO scratch BY NAME SELECT 'x' AS label, 3000 AS id", kind: 'dml' },
  {
    name: 'INSERT RETURNING',
    sql: "INSERT INTO scratch VALUES (4000, 'y', 2) RETURNING id, length(label) AS size",
    kind: 'dml_returning',
    firstRow: ['4000', '1'],
  },
  { name: 'WITH INSERT', sql: 'WITH big AS (SELECT max(id) + 1 AS id FROM scratch) INSERT INTO scratch (id) SELECT id FROM big', kind: 'dml' },
  {
    name: 'UPDATE',
    sql: "UPDATE scratch SET label = regexp_replace(label, '[0-9]+', extract(year FROM DATE '2026-01-01')::VARCHAR), n = n + 1 WHERE id IN (1, 2)",
    kind: 'dml',
  },
  {
    name: 'UPDATE FROM RETURNING',
    sql: 'UPDATE {scratch} AS s SET n = i.id FROM items i WHERE s.id = i.id AND i.id = 7 RETURNING s.n',
    kind: 'dml_returning',
    firstRow: ['7'],
  },
  { name: 'DELETE USING', sql: 'DELETE FROM scratch USING region WHERE scratch.id = r_regionkey', kind: 'dml' },
  { name: 'DELETE RETURNING', sql: 'DELETE FROM mutable.public."scratch" WHERE id = 50 RETURNING *', kind: 'dml_returning', firstRow: ['50'] },
  { name: 'EXPLAIN ANALYZE of a change', sql: 'EXPLAIN ANALYZE UPDATE scratch SET n = 9 WHERE id = 60', kind: 'dml_returning' },
];
