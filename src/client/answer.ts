import { Field, Int64, makeData, RecordBatch, type Schema, Schema as ArrowSchema, Struct, Table } from 'apache-arrow';
import { Internal } from '../domain/errors.ts';
import type { ByteStream, QueryAnswer } from '../domain/gateway.ts';
import { readArrow } from './arrow-decode.ts';

/** A count is one short object; more is not a count. */
const COUNT_MAX_BYTES = 4_096;

export async function tableOfAnswer(answer: QueryAnswer): Promise<Table> {
  if (answer.format === 'json') {
    const batch = await changedBatch(answer.body);
    return new Table(batch.schema, [batch]);
  }
  const { schema, batches } = await readArrow(answer.body);
  const gathered: RecordBatch[] = [];
  for await (const batch of batches) gathered.push(batch);
  return new Table(schema, gathered);
}

export async function* batchesOfAnswer(answer: QueryAnswer): AsyncGenerator<RecordBatch, void, undefined> {
  if (answer.format === 'json') {
    yield await changedBatch(answer.body);
    return;
  }
  const { batches } = await readArrow(answer.body);
  yield* batches;
}

/** DML without RETURNING may answer `{rows_changed}` as JSON, whatever was asked for: here it is one row of one column. */
async function changedBatch(body: ByteStream): Promise<RecordBatch> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > COUNT_MAX_BYTES) break;
  }
  const changed: unknown = (JSON.parse(text) as { rows_changed?: unknown }).rows_changed;
  if (typeof changed !== 'number' && typeof changed !== 'string') throw new Internal('The node answered a statement with neither rows nor a count');
  const schema: Schema = new ArrowSchema([new Field('rows_changed', new Int64(), false)]);
  const column = makeData({ type: new Int64(), length: 1, nullCount: 0, data: BigInt64Array.of(BigInt(changed)) });
  return new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length: 1, nullCount: 0, children: [column] }));
}
