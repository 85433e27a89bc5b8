/** The eight TPC-H tables in small, made by SELECTs alone, so that a session can hold them through its own interface. */
const pick = (words: readonly string[], by: string) => `[${words.map((word) => `'${word}'`).join(', ')}][1 + (${by})::INT]`;
const spread = (factor: number, of: number, index = 'i') => `((${index} * ${factor} + ${factor}) % ${of})`;

const REGIONS = ['AFRICA', 'AMERICA', 'ASIA', 'EUROPE', 'MIDDLE EAST'];
const NATIONS = ['ALGERIA', 'BRAZIL', 'CANADA', 'FRANCE', 'GERMANY', 'INDIA', 'JAPAN', 'KENYA', 'SAUDI ARABIA', 'UNITED STATES'];
const SEGMENTS = ['AUTOMOBILE', 'BUILDING', 'FURNITURE', 'HOUSEHOLD', 'MACHINERY'];
const PRIORITIES = ['1-URGENT', '2-HIGH', '3-MEDIUM', '4-NOT SPECIFIED', '5-LOW'];
const MODES = ['AIR', 'MAIL', 'SHIP', 'TRUCK', 'AIR REG'];
const TYPES = ['PROMO BURNISHED COPPER', 'LARGE BRUSHED BRASS', 'STANDARD POLISHED BRASS', 'ECONOMY ANODIZED STEEL', 'SMALL PLATED TIN'];
const COLOURS = ['forest green', 'antique azure', 'green misty', 'blush plum', 'lemon lace'];
const CONTAINERS = ['SM CASE', 'MED BOX', 'MED BAG', 'LG CASE', 'SM BOX'];

export const TPCH_TABLES: readonly { readonly name: string; readonly query: string }[] = [
  { name: 'region', query: `SELECT i::INT AS r_regionkey, ${pick(REGIONS, 'i')} AS r_name FROM range(5) r(i)` },
  {
    name: 'nation',
    query: `SELECT i::INT AS n_nationkey, ${pick(NATIONS, 'i')} AS n_name, ([0, 1, 1, 3, 3, 2, 2, 0, 4, 1][1 + i::INT])::INT AS n_regionkey FROM range(10) r(i)`,
  },
  {
    name: 'supplier',
    query: `SELECT i::INT AS s_suppkey, 'Supplier#' || i AS s_name, 'street ' || i AS s_address, (i % 10)::INT AS s_nationkey, '1' || i || '-555' AS s_phone,
      (${spread(331, 9000)} - 900)::DECIMAL(15,2) AS s_acctbal, CASE WHEN i % 13 = 5 THEN 'xCustomer yComplaints' ELSE 'fine' END AS s_comment FROM range(40) r(i)`,
  },
  {
    name: 'customer',
    query: `SELECT i::INT AS c_custkey, 'Customer#' || i AS c_name, 'street ' || i AS c_address, (i % 10)::INT AS c_nationkey, (10 + i % 25) || '-555-' || i AS c_phone,
      (${spread(733, 9000)} - 900)::DECIMAL(15,2) AS c_acctbal, ${pick(SEGMENTS, 'i % 5')} AS c_mktsegment, 'comment ' || i AS c_comment FROM range(150) r(i)`,
  },
  {
    name: 'part',
    query: `SELECT i::INT AS p_partkey, ${pick(COLOURS, 'i % 5')} || ' ' || i AS p_name, 'Manufacturer#' || (1 + i % 5) AS p_mfgr, 'Brand#' || (1 + i % 5) || (1 + i // 5 % 5) AS p_brand,
      ${pick(TYPES, 'i // 2 % 5')} AS p_type, (1 + i % 50)::INT AS p_size, ${pick(CONTAINERS, 'i // 3 % 5')} AS p_container, (900 + i)::DECIMAL(15,2) AS p_retailprice FROM range(200) r(i)`,
  },
  {
    name: 'partsupp',
    query: `SELECT (i // 4)::INT AS ps_partkey, ((i // 4 + (i % 4) * 10) % 40)::INT AS ps_suppkey, (1 + ${spread(577, 9999)})::INT AS ps_availqty,
      (1 + ${spread(89, 1000)})::DECIMAL(15,2) AS ps_supplycost FROM range(800) r(i)`,
  },
  {
    name: 'orders',
    query: `SELECT i::INT AS o_orderkey, (${spread(37, 100)})::INT AS o_custkey, CASE WHEN i % 2 = 0 THEN 'F' ELSE 'O' END AS o_orderstatus, (1000 + ${spread(7919, 300000)})::DECIMAL(15,2) AS o_totalprice,
      DATE '1992-01-01' + (${spread(61, 2400)})::INT AS o_orderdate, ${pick(PRIORITIES, 'i % 5')} AS o_orderpriority, 0 AS o_shippriority,
      CASE WHEN i % 7 = 0 THEN 'special packed requests' ELSE 'ordinary' END AS o_comment FROM range(1500) r(i)`,
  },
  {
    name: 'lineitem',
    query: `SELECT (i // 4)::INT AS l_orderkey, (${spread(13, 200)})::INT AS l_partkey, ((${spread(13, 200)} + (i % 4) * 10) % 40)::INT AS l_suppkey, (1 + i % 4)::INT AS l_linenumber,
      (1 + ${spread(29, 50)})::DECIMAL(15,2) AS l_quantity, (900 + ${spread(101, 90000)})::DECIMAL(15,2) AS l_extendedprice, (i % 11 / 100)::DECIMAL(15,2) AS l_discount, (i % 9 / 100)::DECIMAL(15,2) AS l_tax,
      ['R', 'A', 'N'][1 + (i % 3)::INT] AS l_returnflag, CASE WHEN i % 2 = 0 THEN 'F' ELSE 'O' END AS l_linestatus,
      DATE '1992-01-01' + (${spread(61, 2400, '(i // 4)')} + 5 + i % 60)::INT AS l_shipdate, DATE '1992-01-01' + (${spread(61, 2400, '(i // 4)')} + 30)::INT AS l_commitdate,
      DATE '1992-01-01' + (${spread(61, 2400, '(i // 4)')} + 8 + i % 70)::INT AS l_receiptdate, ['DELIVER IN PERSON', 'NONE'][1 + (i // 5 % 2)::INT] AS l_shipinstruct, ${pick(MODES, 'i // 7 % 5')} AS l_shipmode FROM range(6000) r(i)`,
  },
];
