/** Memory used again and again by whoever needs some for a moment: garbage of the size of chunks would add up. */
export class Scratch {
  #bytes = new Uint8Array(0);

  /** So many bytes with anything in them, at an address aligned for every type; gone with the next call. */
  take(bytes: number): Uint8Array<ArrayBuffer> {
    if (this.#bytes.length < bytes) this.#bytes = new Uint8Array(Math.max(bytes, this.#bytes.length * 2));
    return this.#bytes.subarray(0, bytes);
  }
}
