import { tableFromArrays, tableFromIPC } from 'apache-arrow';
import { expect, it } from 'vitest';
import { batchStream } from '../../src/client/arrow-encode.ts';

it('sends batches that were sliced apart under one schema, row for row', async () => {
  const table = tableFromArrays({ n: Int32Array.from({ length: 100 }, (_, i) => i) });
  const [whole] = table.batches;
  if (whole === undefined) throw new Error('the table has no batch');
  const chunks: Uint8Array[] = [];
  for await (const chunk of batchStream(table.schema, [whole.slice(0, 40), whole.slice(40, 41), whole.slice(41)])) chunks.push(chunk);
  const sent = tableFromIPC(chunks);
  expect(sent.batches.map((batch) => batch.numRows)).toEqual([40, 1, 59]);
  expect(sent.getChild('n')?.toArray()).toEqual(table.getChild('n')?.toArray());
});
