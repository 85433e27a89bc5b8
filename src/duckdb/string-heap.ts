import duckdb, { type DataChunk } from '@duckdb/node-bindings';
import { BLOB } from '@duckdb/node-api';
import { VECTOR_ROWS } from './raw-vector.ts';

const ENTRY_BYTES = 16;
const ADDRESS_AT = 8;
const HIGH_WORD = 2 ** 32;

/**
 * Memory for the bytes of strings that vectors point to. It is a BLOB vector of its own: one for text would turn bytes
 * that are not UTF-8 into NULL at address 0.
 */
export class StringHeap {
  readonly #chunks: DataChunk[] = [];
  #held = 0;

  /**
   * Copies the bytes to where they stay until `release` or the end of this object.
   * @param bytes more than 12 of them; fewer lie in their entry and have no address
   * @returns their address, below 2^53 on every machine there is
   */
  hold(bytes: Uint8Array): number {
    const row = this.#held % VECTOR_ROWS;
    const index = Math.floor(this.#held / VECTOR_ROWS);
    this.#held++;
    const chunk = (this.#chunks[index] ??= duckdb.create_data_chunk([BLOB.toLogicalType().logical_type]));
    const vector = duckdb.data_chunk_get_vector(chunk, 0);
    duckdb.vector_assign_string_element_len(vector, row, bytes);
    const entries = duckdb.vector_get_data(vector, (row + 1) * ENTRY_BYTES);
    const view = new DataView(entries.buffer, entries.byteOffset + row * ENTRY_BYTES, ENTRY_BYTES);
    return view.getUint32(ADDRESS_AT, true) + view.getUint32(ADDRESS_AT + 4, true) * HIGH_WORD;
  }

  /** Frees what is held: nothing may point to it any more. */
  release(): void {
    if (this.#held === 0) return;
    for (const chunk of this.#chunks) duckdb.data_chunk_reset(chunk);
    this.#held = 0;
  }
}
