import type { DuckDBValue } from '@duckdb/node-api';
import { badRow, decodeValue, type RowPlace } from './bad-row.ts';
import type { JsonValue } from './json-rows-parser.ts';
import { jsonDecoder, type FromJson } from './json-rows-values.ts';
import type { TypedColumn } from './type-map.ts';

interface Column {
  readonly name: string;
  readonly decode: FromJson;
}

/** Turns JSON objects into rows of a table, by the names of its columns; a key that is missing is NULL. */
export class JsonRowDecoder {
  readonly #columns: readonly Column[];

  /** @throws UnsupportedType (`field`) */
  constructor(columns: readonly TypedColumn[]) {
    this.#columns = columns.map(({ name, type }) => ({ name, decode: jsonDecoder(type, name) }));
  }

  /** @throws InvalidRows, ValueOutOfRange */
  decode(item: JsonValue, place: () => RowPlace): DuckDBValue[] {
    if (!(item instanceof Map)) throw badRow('is not an object', place());
    let known = 0;
    const values = this.#columns.map(({ name, decode }) => {
      const json = item.get(name);
      if (json === undefined) return null;
      known++;
      return decodeValue(json, name, decode, place);
    });
    if (known < item.size) throw this.#unknownKey(item, place());
    return values;
  }

  #unknownKey(item: ReadonlyMap<string, JsonValue>, place: RowPlace): Error {
    const names = new Set(this.#columns.map(({ name }) => name));
    const unknown = [...item.keys()].find((key) => !names.has(key));
    return badRow(`has the key "${unknown}", and the table has no such column`, place, unknown);
  }
}
