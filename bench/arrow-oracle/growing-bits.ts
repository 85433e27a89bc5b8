import { Growing } from '../../src/duckdb/arrow-growing.ts';

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
