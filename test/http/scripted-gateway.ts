import { Null, Table, makeData, makeVector } from 'apache-arrow';
import { MayflyError } from '../../src/domain/errors.ts';
import type { ErrorCode } from '../../src/domain/errors.ts';
import type {
  ByteStream,
  CallOptions,
  CloseReason,
  LifecycleEntry,
  LifecycleQuery,
  OpenSessionRequest,
  QueryAnswer,
  QueryRequest,
  RowFormat,
  SessionView,
} from '../../src/domain/gateway.ts';
import type { SessionId } from '../../src/domain/ids.ts';
import type { LifecycleRecord } from '../../src/domain/lifecycle-record.ts';
import type { Tenant } from '../../src/domain/tenant.ts';
import { MemoryGateway } from '../gateway/memory-gateway.ts';

/**
 * The memory gateway as the HTTP layer's tests need it: a statement says what is to come of it (`stream 40 20`, `fail
 * query_error`, `break`, `change`), bodies are counted, a row a byte, and a gate can hold calls back.
 */
export class ScriptedGateway extends MemoryGateway {
  /** What ran, in order: `open`, `insert`, and statements. */
  readonly runs: string[] = [];
  readonly aborted: string[] = [];
  /** Holds back statements, opens, closes and replays while it is pending. */
  gate: Promise<void> | undefined;

  override async openSession(tenant: Tenant, request: OpenSessionRequest): Promise<SessionView> {
    this.runs.push('open');
    await this.gate;
    return super.openSession(tenant, request);
  }

  override async closeSession(tenant: Tenant, session: SessionId, reason: CloseReason): Promise<LifecycleRecord> {
    await this.gate;
    return super.closeSession(tenant, session, reason);
  }

  override async insertRows(
    tenant: Tenant,
    session: SessionId,
    name: string,
    format: RowFormat,
    body: ByteStream,
    options: CallOptions = {},
  ): Promise<{ rows: number }> {
    options.signal?.addEventListener('abort', () => this.aborted.push('insert'));
    const inserted = await super.insertRows(tenant, session, name, format, body);
    this.runs.push('insert');
    return inserted;
  }

  override async query(tenant: Tenant, session: SessionId, { query }: QueryRequest, format: RowFormat, options: CallOptions = {}): Promise<QueryAnswer> {
    await this.touchSession(tenant, session);
    this.runs.push(query);
    options.signal?.addEventListener('abort', () => this.aborted.push('signal'));
    await this.gate;
    const [verb = '', first = '', second = ''] = query.split(' ');
    if (verb === 'stream') return { format, body: this.#rows(Number(first), second === '' ? Infinity : Number(second), options.signal) };
    if (verb === 'break') throw new TypeError('a secret of the inside');
    if (verb === 'fail') throw new MayflyError(first as ErrorCode, 'as asked', { limit: 7 });
    if (verb === 'change') return { format: 'json', body: once('{"rows_changed":3}') };
    return { format, body: once('{"columns":[],"rows":[]}') };
  }

  /** Waits at the gate after each entry, and ends when it is told to, as a log does. */
  override async *lifecycle(tenant: Tenant, query: LifecycleQuery): AsyncGenerator<LifecycleEntry, void, undefined> {
    for await (const entry of super.lifecycle(tenant, query)) {
      yield entry;
      await this.gate;
      if (query.signal?.aborted === true) return;
    }
  }

  protected override async read(_format: RowFormat, body: ByteStream): Promise<Table> {
    let length = 0;
    for await (const chunk of body) length += chunk.byteLength;
    return new Table({ byte: makeVector(makeData({ type: new Null(), length })) });
  }

  async *#rows(count: number, failAfter: number, signal?: AbortSignal): ByteStream {
    for (let each = 0; each < count; each += 1) {
      if (each === failAfter) throw new MayflyError('query_error', 'a late failure');
      if (signal?.aborted === true) {
        this.aborted.push('query');
        throw new MayflyError('query_cancelled', 'the client went away');
      }
      yield Buffer.alloc(64 * 1024, 'x');
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

async function* once(text: string): ByteStream {
  yield Buffer.from(text);
}
