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
