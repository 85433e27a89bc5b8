import type { ArrowField, ArrowType } from '../../src/duckdb/arrow-schema.ts';
import { randomParts } from './random-columns.ts';
import { batchMessage, dictionaryMessage, END_OF_STREAM, schemaMessage } from './stream-writer.ts';

/** Numbers from a seed: what a test printed can be made again. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 to `below`, without it. */
  nat(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  }

  chance(oneIn: number): boolean {
    return this.nat(oneIn) === 0;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.nat(choices.length)]!;
  }
}

export interface RandomStream {
  readonly fields: readonly ArrowField[];
  readonly messages: readonly Uint8Array[];
  readonly bytes: Uint8Array;
  readonly rows: number;
}

const BATCH_ROWS = [0, 1, 7, 64, 300, 2_048, 2_049, 5_000];

/** A whole stream of random columns, batches and dictionaries, everything in it valid but what nulls hide. */
export function randomStream(seed: number, rowsMax = 5_000): RandomStream {
  const random = new Random(seed);
  const dictionaries: ArrowField[] = [];
  const fields = Array.from({ length: 1 + random.nat(5) }, (_none, index) => randomField(random, `c${index}`, 2, dictionaries));
  const messages = [schemaMessage(fields)];
  const sizes = new Map<bigint, number>();
  let rows = 0;
  for (let batches = random.nat(4); batches >= 0; batches--) {
    // Dictionaries in others' values come first; behind one that was replaced, those that may point into it are too.
    let replaced = false;
    for (const field of dictionaries) {
      const { id } = field.dictionary!;
      if (sizes.has(id) && !replaced && !random.chance(2)) continue;
      const length = 1 + random.nat(40);
      const isDelta: boolean = sizes.has(id) && !replaced && random.chance(2);
      replaced ||= !isDelta;
      const { dictionary: _, ...values } = field;
      messages.push(dictionaryMessage(id, length, randomParts(random, [values], length, sizes), isDelta));
      sizes.set(id, isDelta ? sizes.get(id)! + length : length);
    }
    const length = Math.min(random.pick(BATCH_ROWS), rowsMax);
    messages.push(batchMessage(length, randomParts(random, fields, length, sizes)));
    rows += length;
  }
  messages.push(END_OF_STREAM);
  return { fields, messages, bytes: Buffer.concat(messages), rows };
}

const LEAVES: readonly ((random: Random) => ArrowType)[] = [
  () => ({ kind: 'null' }),
  () => ({ kind: 'bool' }),
  (random) => ({ kind: 'int', bits: random.pick([8, 16, 32, 64]), signed: random.chance(2) }),
  (random) => ({ kind: 'float', bits: random.pick([16, 32, 64] as const) }),
  randomDecimal,
  (random) => ({ kind: 'date', unit: random.pick(['day', 'millisecond'] as const) }),
  (random) => random.pick([0, 1, 2, 3].map((unit) => ({ kind: 'time', unit: unit as 0 | 1 | 2 | 3, bits: unit < 2 ? 32 : 64 }) as const)),
  (random) => ({ kind: 'timestamp', unit: random.pick([0, 1, 2, 3] as const), timezone: random.pick([undefined, 'UTC']) }),
  (random) => ({ kind: 'duration', unit: random.pick([0, 1, 2, 3] as const) }),
  (random) => ({ kind: 'interval', unit: random.pick(['yearMonth', 'dayTime', 'monthDayNano'] as const) }),
  (random) => ({ kind: 'utf8', offsets: random.pick([4, 8, 'view'] as const) }),
  (random) => ({ kind: 'utf8', offsets: 4 + random.nat(1) * 4 === 4 ? 4 : 8 }),
  (random) => ({ kind: 'binary', offsets: random.pick([4, 8, 'view'] as const) }),
  (random) => ({ kind: 'fixedBinary', bytes: random.pick([0, 1, 12, 13, 40]) }),
];

function randomDecimal(random: Random): ArrowType {
  const bits = random.pick([32, 64, 128, 256]);
  const precision = 1 + random.nat(bits === 32 ? 9 : bits === 64 ? 18 : 38);
  const scale = random.chance(6) ? -Math.min(2, 38 - precision) : random.nat(precision + 1);
  return { kind: 'decimal', bits, precision, scale };
}

export function randomField(random: Random, name: string, depth: number, dictionaries: ArrowField[]): ArrowField {
  const nested = depth > 0 && random.chance(2);
  const field = nested ? nestedField(random, name, depth, dictionaries) : leaf(name, random.pick(LEAVES)(random));
  if (!random.chance(5)) return field;
  const encoded = { ...field, dictionary: { id: BigInt(dictionaries.length), bits: random.pick([8, 16, 32, 64]), signed: random.chance(2) } };
  dictionaries.push(encoded);
  return encoded;
}

function leaf(name: string, type: ArrowType, children: readonly ArrowField[] = []): ArrowField {
  return { name, path: name, nullable: true, type, children };
}

function nestedField(random: Random, name: string, depth: number, dictionaries: ArrowField[]): ArrowField {
  const child = (childName: string): ArrowField => randomField(random, childName, depth - 1, dictionaries);
  switch (random.nat(6)) {
    case 0:
      return leaf(name, { kind: 'list', offsets: random.pick([4, 8] as const) }, [child('item')]);
    case 1:
      return leaf(name, { kind: 'listView', offsets: random.pick([4, 8] as const) }, [child('item')]);
    case 2:
      return leaf(name, { kind: 'fixedList', size: 1 + random.nat(4) }, [child('item')]);
    case 3:
      return leaf(name, { kind: 'struct' }, [child('a'), child('b')]);
    case 4: {
      const key = leaf(
        'k',
        random.pick<ArrowType>([
          { kind: 'int', bits: 64, signed: true },
          { kind: 'utf8', offsets: 4 },
          { kind: 'date', unit: 'day' },
        ]),
      );
      return leaf(name, { kind: 'map' }, [leaf('entries', { kind: 'struct' }, [key, child('v')])]);
    }
    default: {
      const ends = leaf('run_ends', { kind: 'int', bits: random.pick([16, 32, 64]), signed: true });
      return leaf(name, { kind: 'runEndEncoded' }, [ends, child('values')]);
    }
  }
}
