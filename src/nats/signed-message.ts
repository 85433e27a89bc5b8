import { createHmac, timingSafeEqual } from 'node:crypto';

/** How old a message may be, clocks of nodes being apart as they are. */
const HEEDED_MS = 60_000;

/** Signs what nodes say to each other with the cluster's secret: subject, time and body, so that none fits elsewhere or later. */
export class MessageSeal {
  readonly #secret: string;
  readonly #wallMs: () => number;

  constructor(secret: string, wallMs: () => number) {
    this.#secret = secret;
    this.#wallMs = wallMs;
  }

  seal(subject: string, body: string): string {
    const at = this.#wallMs();
    return JSON.stringify({ at, body, signature: this.#sign(subject, at, body).toString('base64url') });
  }

  /** The body; undefined for a message of somebody else, of another subject or time. */
  open(subject: string, message: string): string | undefined {
    const { at, body, signature } = parse(message);
    if (typeof at !== 'number' || typeof body !== 'string' || typeof signature !== 'string') return undefined;
    const given = Buffer.from(signature, 'base64url');
    const expected = this.#sign(subject, at, body);
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
    return Math.abs(this.#wallMs() - at) <= HEEDED_MS ? body : undefined;
  }

  #sign(subject: string, at: number, body: string): Buffer {
    return createHmac('sha256', this.#secret)
      .update(JSON.stringify(['mayfly.node', subject, at, body]))
      .digest();
  }
}

function parse(message: string): { readonly at?: unknown; readonly body?: unknown; readonly signature?: unknown } {
  try {
    const value: unknown = JSON.parse(message);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}
