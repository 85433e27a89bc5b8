import accessors from '@duckdb/node-api/lib/vectors/dataAccessors.js';

/** The bindings read each value as if it were a file: a text that begins with U+FEFF would lose it to their decoder. */
export function keepTextMarks(): void {
  Object.assign(accessors, { textDecoder: new TextDecoder('utf-8', { ignoreBOM: true }) });
}
