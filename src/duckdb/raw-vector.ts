import duckdb, { type DataChunk, type Vector } from '@duckdb/node-bindings';

/**
 * DuckDB's vectors as bare memory. Nothing below checks what it is given: a byte too many here is foreign memory read or
 * overwritten. So every call's count is bounded by its caller, and only this file hands memory to the bindings.
 */
export type { Vector } from '@duckdb/node-bindings';

/** Rows a vector of a chunk holds. */
export const VECTOR_ROWS = 2_048;

export function columnVector(chunk: DataChunk, column: number): Vector {
  return duckdb.data_chunk_get_vector(chunk, column);
}

/** @param data at most as many bytes as the vector has room for */
export function writeData(vector: Vector, data: Uint8Array): void {
  if (data.length > 0) duckdb.copy_data_to_vector(vector, 0, data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
}

/** @param valid one bit a row, set where there is a value; none for a vector without nulls, as it is after a reset */
export function writeValidity(vector: Vector, valid: Uint8Array | undefined, rows: number): void {
  if (valid === undefined || rows === 0) return;
  duckdb.vector_ensure_validity_writable(vector);
  duckdb.copy_data_to_vector_validity(vector, 0, valid.buffer as ArrayBuffer, valid.byteOffset, Math.ceil(rows / 8));
}

/** Makes room for the items of a list vector and returns the vector they go into, which is another one after each reset. */
export function growList(vector: Vector, items: number): Vector {
  duckdb.list_vector_reserve(vector, items);
  duckdb.list_vector_set_size(vector, items);
  return duckdb.list_vector_get_child(vector);
}

export function structChild(vector: Vector, index: number): Vector {
  return duckdb.struct_vector_get_child(vector, index);
}

export function arrayChild(vector: Vector): Vector {
  return duckdb.array_vector_get_child(vector);
}

/** The vector's own memory: to be read before the vector changes or goes. @param bytes at most as many as it has */
export function readData(vector: Vector, bytes: number): Uint8Array {
  return duckdb.vector_get_data(vector, bytes);
}

/** One bit a row, set where there is a value; none for a vector without nulls. */
export function readValidity(vector: Vector, rows: number): Uint8Array | undefined {
  // It is null when all are valid, whatever its declaration says; and it comes in whole words.
  const bits: Uint8Array | null = duckdb.vector_get_validity(vector, Math.ceil(rows / 64) * 8);
  return bits ?? undefined;
}

export function listChild(vector: Vector): { readonly items: Vector; readonly size: number } {
  return { items: duckdb.list_vector_get_child(vector), size: duckdb.list_vector_get_size(vector) };
}

/** Memory at the address that lies at byte `at`. @param bytes of which the first and the last one are somebody's */
export function readAddress(memory: Uint8Array, at: number, bytes: number): Uint8Array {
  return duckdb.get_data_from_pointer(memory.buffer as ArrayBuffer, memory.byteOffset + at, bytes);
}
