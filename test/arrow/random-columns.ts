import type { ArrowField, ArrowType } from '../../src/duckdb/arrow-schema.ts';
import type { Random } from './random-streams.ts';
import { noParts, type Parts } from './stream-writer.ts';

const TEXTS = ['', 'a', 'twelve bytes', 'thirteen byte', 'é', 'a 🦋 of some length, longer than an entry', 'x'.repeat(300), 'ключ', 'zero \0 byte'];
const SLACK_ITEMS = 3;

/** Random values of the fields; every reference in them is right, and behind nulls is anything. @param sizes of dictionaries by id */
export function randomParts(random: Random, fields: readonly ArrowField[], length: number, sizes: ReadonlyMap<bigint, number>): Parts {
  const parts = noParts();
  for (const field of fields) new ColumnMaker(random, parts, sizes).make(field, length);
  return parts;
}

class ColumnMaker {
  readonly #random: Random;
  readonly #parts: Parts;
  readonly #sizes: ReadonlyMap<bigint, number>;

  constructor(random: Random, parts: Parts, sizes: ReadonlyMap<bigint, number>) {
    this.#random = random;
    this.#parts = parts;
    this.#sizes = sizes;
  }

  make(field: ArrowField, length: number, nullable = true): void {
    const { type, dictionary, children } = field;
    if (dictionary === undefined && (type.kind === 'null' || type.kind === 'runEndEncoded')) {
      this.#parts.nodes.push(length, type.kind === 'null' ? length : 0);
      if (type.kind === 'runEndEncoded') this.#runs(children, length);
      return;
    }
    const valid = this.#validity(length, nullable);
    if (dictionary !== undefined) {
      const size = this.#sizes.get(dictionary.id)!;
      const most = Math.min(size, 127); // so that every width of index holds it
      this.#fixed(length, dictionary.bits / 8, valid, (view, at) => writeInt(view, at, dictionary.bits / 8, BigInt(this.#random.nat(most))));
      return;
    }
    this.#values(field, length, valid, nullable);
  }

  #values({ type, children }: ArrowField, length: number, valid: readonly boolean[], nullable: boolean): void {
    switch (type.kind) {
      case 'bool':
        this.#parts.buffers.push(Uint8Array.from({ length: (length + 7) >> 3 }, () => this.#random.nat(256)));
        break;
      case 'utf8':
      case 'binary':
        if (type.offsets === 'view') this.#views(length, valid);
        else this.#strings(length, valid, type.offsets, nullable);
        break;
      case 'fixedBinary':
        this.#parts.buffers.push(Uint8Array.from({ length: length * type.bytes }, () => this.#random.nat(256)));
        break;
      case 'list':
        this.make(children[0]!, this.#offsets(valid, type.offsets));
        break;
      case 'map':
        this.#entries(children[0]!, this.#offsets(valid, 4));
        break;
      case 'listView':
        this.#listView(children[0]!, valid, type.offsets);
        break;
      case 'fixedList':
        this.make(children[0]!, length * type.size);
        break;
      case 'struct':
        for (const child of children) this.make(child, length);
        break;
      default:
        this.#leaf(type, length, valid);
    }
  }

  #validity(length: number, nullable: boolean): boolean[] {
    const oneIn = nullable ? this.#random.pick([0, 3, 20]) : 0;
    const valid = Array.from({ length }, () => oneIn === 0 || !this.#random.chance(oneIn));
    const nulls = valid.filter((is) => !is).length;
    this.#parts.nodes.push(length, nulls);
    const bits = new Uint8Array(nulls === 0 && this.#random.chance(2) ? 0 : (length + 7) >> 3);
    valid.forEach((is, row) => is && bits.length > 0 && (bits[row >> 3]! |= 1 << (row & 7)));
    this.#parts.buffers.push(bits);
    return valid;
  }

  #leaf(type: ArrowType, length: number, valid: readonly boolean[]): void {
    const width = widthOf(type);
    this.#fixed(length, width, valid, (view, at) => this.#leafValue(type, view, at, width));
  }

  #fixed(length: number, width: number, valid: readonly boolean[], write: (view: DataView, at: number) => void): void {
    const bytes = new Uint8Array(length * width);
    const view = new DataView(bytes.buffer);
    for (let row = 0; row < length; row++) {
      if (valid[row]!) write(view, row * width);
      else for (let byte = 0; byte < width; byte++) bytes[row * width + byte] = this.#random.nat(256);
    }
    this.#parts.buffers.push(bytes);
  }

  #leafValue(type: ArrowType, view: DataView, at: number, width: number): void {
    switch (type.kind) {
      case 'decimal':
        return writeInt(view, at, width, this.#within(10n ** BigInt(type.precision) - 1n));
      case 'date':
        return type.unit === 'day' ? view.setInt32(at, this.#random.nat(60_000) - 30_000, true) : writeInt(view, at, 8, this.#within(10n ** 14n));
      case 'time':
        return writeInt(view, at, width, this.#within(86_400n * [1n, 1_000n, 1_000_000n, 1_000_000_000n][type.unit]!, true));
      case 'timestamp':
        return writeInt(view, at, 8, this.#within(4_000_000_000n * [1n, 1_000n, 1_000_000n, 1_000_000_000n][type.unit]!));
      case 'duration':
        return writeInt(view, at, 8, this.#within(10n ** 12n) * (type.unit === 3 ? 1_000n : 1n));
      case 'interval':
        for (let part = 0; part < Math.min(width / 4, 2); part++) view.setInt32(at + part * 4, this.#random.nat(2_000) - 1_000, true);
        return type.unit === 'monthDayNano' ? writeInt(view, at + 8, 8, this.#within(10n ** 12n) * 1_000n) : undefined;
      case 'float':
        return type.bits === 64
          ? view.setFloat64(at, this.#float(), true)
          : type.bits === 32
            ? view.setFloat32(at, this.#float(), true)
            : this.#bytes(view, at, 2);
      default:
        return this.#bytes(view, at, width);
    }
  }

  #bytes(view: DataView, at: number, width: number): void {
    for (let byte = 0; byte < width; byte++) view.setUint8(at + byte, this.#random.nat(256));
  }

  #float(): number {
    return this.#random.pick([0, -0, 1.5, -1e10, Number.NaN, Infinity, this.#random.nat(1_000_000) / 7]);
  }

  #within(most: bigint, positive = false): bigint {
    const value =
      (BigInt(this.#random.nat(2 ** 31)) * BigInt(this.#random.nat(2 ** 31)) * BigInt(this.#random.nat(2 ** 31)) * BigInt(this.#random.nat(2 ** 31))) %
      (most + 1n);
    return this.#random.chance(9) ? (positive ? most : -most) : positive || this.#random.chance(2) ? value : -value;
  }

  #text(valid: boolean): Uint8Array {
    if (!valid && this.#random.chance(2)) return Uint8Array.of(0xff, 0xc3); // nobody promised that it is UTF-8
    return Buffer.from(valid || this.#random.chance(2) ? this.#random.pick(TEXTS) : '');
  }

  #strings(length: number, valid: readonly boolean[], width: 4 | 8, nullable: boolean): void {
    const head = this.#random.chance(3) ? Buffer.from([0xff, 1, 2]) : Buffer.alloc(0); // a slice begins behind it
    // Keys of maps differ by their number.
    const texts = Array.from({ length }, (_none, row) => (nullable ? this.#text(valid[row]!) : Buffer.from(`${row} ${this.#random.pick(TEXTS)}`)));
    this.#parts.buffers.push(offsetBytes(endsOf(texts, head.length), width), Buffer.concat([head, ...texts]));
  }

  #views(length: number, valid: readonly boolean[]): void {
    const bytes = new Uint8Array(length * 16);
    const view = new DataView(bytes.buffer);
    const data: Buffer[] = [Buffer.from(TEXTS.join('')), Buffer.from(TEXTS.toReversed().join(''))];
    for (let row = 0; row < length; row++) {
      if (!valid[row]!) {
        this.#bytes(view, row * 16, 16);
        continue;
      }
      const text = Buffer.from(this.#random.pick(TEXTS));
      view.setInt32(row * 16, text.length, true);
      if (text.length <= 12) bytes.set(text, row * 16 + 4);
      else {
        const buffer = this.#random.nat(2);
        bytes.set(text.subarray(0, 4), row * 16 + 4);
        view.setInt32(row * 16 + 8, buffer, true);
        view.setInt32(row * 16 + 12, data[buffer]!.indexOf(text), true);
      }
    }
    this.#parts.buffers.push(bytes, ...data);
    this.#parts.variadicCounts.push(data.length);
  }

  /** @returns how many items there are, some of which no row has */
  #offsets(valid: readonly boolean[], width: 4 | 8): number {
    const slack = this.#random.chance(2) ? SLACK_ITEMS : 0;
    const sizes = valid.map((is) => (is || this.#random.chance(2) ? this.#random.nat(4) : 0));
    const ends = endsOf(
      sizes.map((size) => ({ length: size })),
      slack,
    );
    this.#parts.buffers.push(offsetBytes(ends, width));
    return ends.at(-1)! + slack;
  }

  /** Keys that are never null and all differ. */
  #entries({ children }: ArrowField, length: number): void {
    this.#validity(length, false);
    const [key, value] = children;
    if (key!.type.kind === 'utf8') this.make(key!, length, false);
    else {
      this.#validity(length, false);
      const width = widthOf(key!.type);
      let row = 0;
      this.#fixed(length, width, new Array<boolean>(length).fill(true), (view, at) => writeInt(view, at, width, BigInt(row++)));
    }
    this.make(value!, length);
  }

  #listView(child: ArrowField, valid: readonly boolean[], width: 4 | 8): void {
    const items = 1 + this.#random.nat(30);
    const sizes = valid.map((is) => (is ? this.#random.nat(Math.min(5, items + 1)) : this.#random.nat(1_000)));
    const begins = sizes.map((size, row) => (valid[row]! ? this.#random.nat(items - size + 1) : this.#random.nat(1_000)));
    this.#parts.buffers.push(offsetBytes(begins, width), offsetBytes(sizes, width));
    this.make(child, items);
  }

  #runs([ends, values]: readonly ArrowField[], length: number): void {
    const run: number[] = [];
    for (let end = 0; end < length;) run.push((end += 1 + this.#random.nat(9)));
    const width = ends!.type.kind === 'int' ? ends!.type.bits / 8 : 0;
    this.#parts.nodes.push(run.length, 0);
    const bytes = new Uint8Array(run.length * width);
    run.forEach((end, index) => writeInt(new DataView(bytes.buffer), index * width, width, BigInt(end)));
    this.#parts.buffers.push(new Uint8Array(0), bytes);
    this.make(values!, run.length);
  }
}

function widthOf(type: ArrowType): number {
  switch (type.kind) {
    case 'int':
    case 'float':
    case 'decimal':
    case 'time':
      return type.bits / 8;
    case 'date':
      return type.unit === 'day' ? 4 : 8;
    case 'interval':
      return { yearMonth: 4, dayTime: 8, monthDayNano: 16 }[type.unit];
    default:
      return 8;
  }
}

function writeInt(view: DataView, at: number, width: number, value: bigint): void {
  for (let byte = 0; byte < width; byte++) view.setUint8(at + byte, Number(BigInt.asUintN(8, value >> BigInt(byte * 8))));
}

function endsOf(values: readonly { readonly length: number }[], first: number): number[] {
  let end = first;
  return [first, ...values.map(({ length }) => (end += length))];
}

function offsetBytes(offsets: readonly number[], width: 4 | 8): Uint8Array {
  return new Uint8Array(width === 4 ? Int32Array.from(offsets).buffer : BigInt64Array.from(offsets, BigInt).buffer);
}
