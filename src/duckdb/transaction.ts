import type { DuckDBConnection } from '@duckdb/node-api';
import { Internal, LeaseLost, QueryCancelled, type MayflyError } from '../domain/errors.ts';
import { mapEngineError } from './errors.ts';
import type { Sandbox } from './sandbox.ts';
import type { TransactionSteps } from './transaction-steps.ts';

const PULSE_MS = 20;
const ROLLBACK_TRIES_MAX = 5;

/**
 * One piece of work on a slot's connection: in one explicit transaction, or as a single step that DuckDB commits by
 * itself. An interrupt is repeated until the work heeds it, since one that arrives between two DuckDB calls is lost;
 * it never hits COMMIT or ROLLBACK.
 */
export class Transaction {
  readonly #connection: DuckDBConnection;
  readonly #steps: TransactionSteps;
  readonly #isSealed: () => boolean;
  readonly #doing: 'insert' | 'statement';
  #interrupted: MayflyError | undefined;
  #begun = false;
  #finishing = false;
  #undone = false;
  #pulse: NodeJS.Timeout | undefined;

  constructor({ connection, steps }: Pick<Sandbox, 'connection' | 'steps'>, doing: 'insert' | 'statement', isSealed: () => boolean) {
    this.#connection = connection;
    this.#steps = steps;
    this.#doing = doing;
    this.#isSealed = isSealed;
  }

  async begin(): Promise<void> {
    this.check();
    this.#finishing = false;
    this.#begun = true;
    await this.#steps.begin();
  }

  async beginOnce(): Promise<void> {
    if (!this.#begun) await this.begin();
  }

  /**
   * COMMIT of an aborted transaction answers OK and rolls back, and a streamed result that failed just ends: the probe
   * tells (I8). Work that was a single step stands already.
   */
  async commit(): Promise<void> {
    if (!this.#begun) return this.#finish();
    await this.probe();
    this.check();
    this.#finish();
    await this.#steps.commit();
    this.#begun = false;
  }

  async probe(): Promise<void> {
    await this.#steps.probe();
  }

  /** Whether it was given up: what then became of its last step is for DuckDB to say. */
  get undone(): boolean {
    return this.#undone;
  }

  async rollback(): Promise<void> {
    this.#undone = true;
    this.#finish();
    for (let tries = 1; this.#begun; tries++) {
      try {
        await this.#connection.run('ROLLBACK');
        this.#begun = false;
      } catch (error) {
        if (/no transaction is active/i.test(String(error))) return;
        if (tries >= ROLLBACK_TRIES_MAX) throw new Internal('A transaction could not be rolled back', {}, { cause: error });
      }
    }
  }

  /** @param reason what the caller is told; the first one counts */
  interrupt(reason: MayflyError = cancelled()): void {
    this.#interrupted ??= reason;
    if (this.#finishing) return;
    this.#connection.interrupt();
    this.#pulse ??= setInterval(() => this.#connection.interrupt(), PULSE_MS);
  }

  /** The error the caller is told: what was interrupted says so, whatever DuckDB made of it. */
  explain(thrown: unknown): Error {
    return this.#interrupted ?? mapEngineError(thrown, this.#doing);
  }

  get interrupted(): boolean {
    return this.#interrupted !== undefined;
  }

  /** Nothing goes on after an interrupt, nothing commits into a sealed session (I5). */
  check(): void {
    if (this.#interrupted !== undefined) throw this.#interrupted;
    if (this.#isSealed()) throw sealed();
  }

  /** From here on interrupts are taken note of and not passed on. */
  #finish(): void {
    this.#finishing = true;
    clearInterval(this.#pulse);
  }
}

export function sealed(): Error {
  return new LeaseLost('The session takes no more work on this node', {});
}

function cancelled(): MayflyError {
  return new QueryCancelled('The statement was interrupted; nothing of it was kept');
}
