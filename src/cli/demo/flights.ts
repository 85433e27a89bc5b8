import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { tableFromIPC } from 'apache-arrow';
import type { RecordBatch, Schema } from 'apache-arrow';
import { Unavailable } from '../../domain/errors.ts';

/** 200,000 flights within the United States: `delay` in minutes (negative: early), `distance` in miles, `time` of departure in hours. */
export interface Flights {
  readonly schema: Schema;
  readonly batches: readonly RecordBatch[];
  readonly rows: number;
}

/** @throws Unavailable where the data's package is not installed, as in a production install */
export async function readFlights(): Promise<Flights> {
  const table = tableFromIPC(await readFile(flightsFile()));
  return { schema: table.schema, batches: table.batches, rows: table.numRows };
}

/** The package exports its code alone, so the data is found beside it. */
function flightsFile(): string {
  try {
    return join(dirname(createRequire(import.meta.url).resolve('vega-datasets')), '..', 'data', 'flights-200k.arrow');
  } catch (cause) {
    throw new Unavailable('The demo needs its data, the npm package "vega-datasets": run `npm ci` in a clone, or `npm install vega-datasets`', {}, { cause });
  }
}

export interface Loaded {
  readonly rows: number;
  readonly bytes: number;
}

/** The rows in slices of `sliceRows`; says after each one how much has been taken. Nothing is copied. */
export function* inSlices(flights: Flights, sliceRows: number, taken: (sofar: Loaded) => void): Generator<RecordBatch, void, undefined> {
  let sofar: Loaded = { rows: 0, bytes: 0 };
  for (const batch of flights.batches) {
    for (let from = 0; from < batch.numRows; from += sliceRows) {
      const slice = batch.slice(from, from + sliceRows);
      yield slice;
      sofar = { rows: sofar.rows + slice.numRows, bytes: sofar.bytes + slice.data.byteLength };
      taken(sofar);
    }
  }
}
