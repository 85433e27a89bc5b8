import type { DuckDBValue } from '@duckdb/node-api';
import { InvalidRows, ValueOutOfRange } from '../domain/errors.ts';
import { BadValue } from './json-rows-values.ts';

/** Where a row stands in its body. */
export interface RowPlace {
  /** From 0. */
  readonly row: number;
  /** From 1. */
  readonly line: number;
}

export function badRow(what: string, { row, line }: RowPlace, field?: string): Error {
  return new InvalidRows(`Row ${row}, in line ${line}, ${what}`, { row, line, ...(field !== undefined && { field }) });
}

/** @throws InvalidRows, ValueOutOfRange (`field`, `row`, `line`) */
export function decodeValue<Input>(input: Input, field: string, decode: (input: Input) => DuckDBValue, place: () => RowPlace): DuckDBValue {
  try {
    return decode(input);
  } catch (error) {
    if (!(error instanceof BadValue)) throw error;
    const what = `does not fit: the column "${field}" ${error.message}`;
    if (!error.outOfRange) throw badRow(what, place(), field);
    const { row, line } = place();
    throw new ValueOutOfRange(`Row ${row}, in line ${line}, ${what}`, { field, row, line });
  }
}
