const INITIAL_BYTES = 1_024;
const ALIGNMENT_BYTES = 8;

/** A field of a table that lies in the table itself. */
export interface FlatScalar {
  readonly bytes: 1 | 2 | 4 | 8;
  readonly value: number;
}

/** What a table's slots hold; what is left out has its default. */
export type FlatSlot = FlatScalar | FlatNode | undefined;

/** What lies elsewhere, and is pointed to. */
export type FlatNode =
  | { readonly table: readonly FlatSlot[] }
  | { readonly text: string }
  | { readonly nodes: readonly FlatNode[] }
  /** Structs of 64-bit integers, `width` of them each. */
  | { readonly int64s: ArrayLike<number>; readonly width: number };

export const int8 = (value: number): FlatScalar => ({ bytes: 1, value });
export const int16 = (value: number): FlatScalar => ({ bytes: 2, value });
export const int32 = (value: number): FlatScalar => ({ bytes: 4, value });
/** Lengths and ids: up to 2^53. */
export const int64 = (value: number): FlatScalar => ({ bytes: 8, value });

/** A flatbuffer of this root, parents before what they point to; padded to whole 8 bytes. */
export function flatbuffer(root: FlatNode): Uint8Array {
  const writer = new FlatWriter();
  writer.reference(writer.reserve(4, 4), root);
  return writer.take();
}

class FlatWriter {
  #view = new DataView(new ArrayBuffer(INITIAL_BYTES));
  #length = 0;

  /** Room for so many bytes, all zeros, at an aligned position. */
  reserve(bytes: number, alignment: number): number {
    const at = Math.ceil(this.#length / alignment) * alignment;
    this.#length = at + bytes;
    if (this.#length > this.#view.byteLength) {
      const larger = new Uint8Array(Math.max(this.#length, this.#view.byteLength * 2));
      larger.set(new Uint8Array(this.#view.buffer));
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }

  /** Writes the node, and at `at` how far away it is. */
  reference(at: number, node: FlatNode): void {
    const position = this.#node(node);
    this.#view.setUint32(at, position - at, true);
  }

  take(): Uint8Array {
    this.reserve(0, ALIGNMENT_BYTES);
    return new Uint8Array(this.#view.buffer, 0, this.#length);
  }

  #node(node: FlatNode): number {
    if ('table' in node) return this.#table(node.table);
    if ('text' in node) return this.#text(node.text);
    if ('nodes' in node) return this.#references(node.nodes);
    return this.#int64s(node.int64s, node.width);
  }

  #table(slots: readonly FlatSlot[]): number {
    const vtableBytes = 4 + slots.length * 2;
    const vtable = this.reserve(vtableBytes, 2);
    const table = this.reserve(4, ALIGNMENT_BYTES);
    const places = slots.map((slot) => (slot === undefined ? 0 : this.#place(slot)));
    this.#view.setInt32(table, table - vtable, true);
    this.#view.setUint16(vtable, vtableBytes, true);
    this.#view.setUint16(vtable + 2, this.#length - table, true);
    places.forEach((place, index) => this.#view.setUint16(vtable + 4 + index * 2, place === 0 ? 0 : place - table, true));
    slots.forEach((slot, index) => {
      if (slot !== undefined && !('bytes' in slot)) this.reference(places[index]!, slot);
    });
    return table;
  }

  #place(slot: FlatScalar | FlatNode): number {
    if (!('bytes' in slot)) return this.reserve(4, 4);
    const at = this.reserve(slot.bytes, slot.bytes);
    if (slot.bytes === 1) this.#view.setInt8(at, slot.value);
    else if (slot.bytes === 2) this.#view.setInt16(at, slot.value, true);
    else if (slot.bytes === 4) this.#view.setInt32(at, slot.value, true);
    else this.#view.setBigInt64(at, BigInt(slot.value), true);
    return at;
  }

  #text(text: string): number {
    const bytes = Buffer.from(text, 'utf8');
    const at = this.reserve(4 + bytes.length + 1, 4);
    this.#view.setUint32(at, bytes.length, true);
    new Uint8Array(this.#view.buffer).set(bytes, at + 4);
    return at;
  }

  #references(nodes: readonly FlatNode[]): number {
    const at = this.reserve(4 + nodes.length * 4, 4);
    this.#view.setUint32(at, nodes.length, true);
    nodes.forEach((node, index) => this.reference(at + 4 + index * 4, node));
    return at;
  }

  #int64s(values: ArrayLike<number>, width: number): number {
    this.reserve(4, ALIGNMENT_BYTES); // so that the length ends where the aligned integers begin
    const at = this.reserve(4 + values.length * 8, 4);
    this.#view.setUint32(at, values.length / width, true);
    for (let index = 0; index < values.length; index++) {
      // Two halves: no BigInt for each of thousands of buffers.
      this.#view.setUint32(at + 4 + index * 8, values[index]! % 2 ** 32, true);
      this.#view.setUint32(at + 8 + index * 8, values[index]! / 2 ** 32, true);
    }
    return at;
  }
}
