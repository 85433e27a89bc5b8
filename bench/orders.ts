import { Float64, Int64, Table, Utf8, tableToIPC, vectorFromArray } from 'apache-arrow';

/** The rows of W1, the same for every subject: 1,000 orders with a key, an amount and a name. */
export const ORDER_ROWS = 1_000;
export const ORDER_COLUMNS = [
  { name: 'id', type: 'BIGINT', nullable: false },
  { name: 'amount', type: 'DOUBLE' },
  { name: 'buyer', type: 'VARCHAR' },
] as const;
export const ORDER_SUMMARY = 'SELECT count(*) AS orders, sum(amount) AS total, count(DISTINCT buyer) AS buyers FROM orders';

const ids = Array.from({ length: ORDER_ROWS }, (_none, index) => index);

export const ORDER_IDS = ids.map(BigInt);
export const ORDER_AMOUNTS = ids.map((id) => (id % 97) / 4);
export const ORDER_BUYERS = ids.map((id) => `buyer number ${id % 50}`);

const EXPECTED = [ORDER_ROWS, ORDER_AMOUNTS.reduce((sum, amount) => sum + amount, 0), 50];

export function ordersAsArrow(): Uint8Array {
  const table = new Table({
    id: vectorFromArray(ORDER_IDS, new Int64()),
    amount: vectorFromArray(ORDER_AMOUNTS, new Float64()),
    buyer: vectorFromArray(ORDER_BUYERS, new Utf8()),
  });
  return tableToIPC(table, 'stream');
}

/** A fast wrong answer is no answer: every run's aggregate is checked. */
export function checkSummary(row: readonly unknown[] | undefined): void {
  const got = row?.map(Number) ?? [];
  if (got.length !== EXPECTED.length || got.some((value, index) => value !== EXPECTED[index])) {
    throw new Error(`The aggregate came back as ${got.join(', ')}; ${EXPECTED.join(', ')} is right`);
  }
}
