const INITIAL_ITEMS = 1_024;

interface TypedArray {
  readonly buffer: ArrayBufferLike;
  readonly byteOffset: number;
  readonly byteLength: number;
  readonly length: number;
  subarray(start: number, end: number): TypedArray;
  set(source: never): void;
}

/** A typed array that doubles when it is full. */
export class Growing<T extends TypedArray> {
  items: T;
  length = 0;
  private readonly Type: new (length: number) => T;

  constructor(Type: new (length: number) => T) {
    this.Type = Type;
    this.items = new Type(INITIAL_ITEMS);
  }

  /** Makes room for `count` more and returns where they begin. */
  extend(count: number): number {
    const start = this.length;
    this.length += count;
    if (this.length > this.items.length) {
      const larger = new this.Type(Math.max(this.length, this.items.length * 2));
      larger.set(this.items as never);
      this.items = larger;
    }
    return start;
  }

  get bytes(): number {
    return (this.items.byteLength / this.items.length) * this.length;
  }

  /** What was written, as bytes of its own; then it is empty. */
  take(): Uint8Array {
    const part = this.items.subarray(0, this.length);
    this.length = 0;
    return new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
  }
}

/** A growing bitmap, least significant bit first. */
export class GrowingBits {
  count = 0;
  ones = 0;
  private readonly bytes = new Growing(Uint8Array);

  push(bit: boolean): void {
    const at = this.count++;
    if ((at & 7) === 0) {
      const byte = this.bytes.extend(1); // may move `items`
      this.bytes.items[byte] = 0;
    }
    if (!bit) return;
    this.ones++;
    this.bytes.items[at >> 3]! |= 1 << (at & 7);
  }

  take(): Uint8Array {
    this.count = 0;
    this.ones = 0;
    return this.bytes.take();
  }
}
