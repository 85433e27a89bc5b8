import { Table, tableFromIPC, tableToIPC } from 'apache-arrow';
import type { Schema } from 'apache-arrow';
import { Mayfly } from '../../src/index.ts';
import type { LifecycleRecord } from '../../src/index.ts';
import type { Deployment } from './deployments.ts';

/** What the promises need of a session, whichever way it is reached. */
export interface PromisedSession {
  readonly id: string;
  readonly ended: Promise<LifecycleRecord>;
  createTable(name: string, schema: Schema, options?: { readonly primaryKey?: readonly string[] }): Promise<unknown>;
  dropTable(name: string): Promise<{ readonly deleted_row_count: number }>;
  insert(name: string, rows: Table): Promise<number>;
  countRows(name: string): Promise<number>;
  tableRef(name: string): string | Promise<string>;
  rows(query: string): Promise<object[]>;
  sql(table: string, query: string): Promise<Table>;
  close(): Promise<LifecycleRecord>;
  forceClose(): Promise<LifecycleRecord>;
}

export interface PromisedTenant {
  openSession(options?: { readonly timeout?: number | string; readonly idleTimeout?: number }): Promise<PromisedSession>;
  session(id: string): PromisedSession;
  lifecycle(options: { readonly from: number }): AsyncIterable<{ readonly record: LifecycleRecord }>;
}

/** One way to reach a node, and how to leave it. */
export interface Surface {
  tenant(name: string): PromisedTenant;
  close(): Promise<void>;
}

/** The ways to reach nodes that are processes of their own. */
export const SURFACES: Readonly<Record<string, (deployment: Deployment) => Promise<Surface>>> = {
  'the remote client': (deployment) => Mayfly.connect(deployment.next(), { direct: false, fetch: deployment.fetch }),
  async HTTP(deployment) {
    return { tenant: (name) => new PlainTenant(deployment, name), close: () => Promise.resolve() };
  },
};

const JSON_TYPE = 'application/json';
const ARROW = 'application/vnd.apache.arrow.stream';

/** A tenant as `curl` would be it: nothing but requests, and an Arrow library for the bytes. */
class PlainTenant implements PromisedTenant {
  readonly #deployment: Deployment;
  readonly #name: string;

  constructor(deployment: Deployment, name: string) {
    this.#deployment = deployment;
    this.#name = name;
  }

  /** @throws an error with the fields of the problem document */
  async send(method: string, path: string, body?: object | Uint8Array, accept = '*/*'): Promise<Response> {
    const bytes = body instanceof Uint8Array;
    const answer = await fetch(this.#deployment.next() + path, {
      method,
      headers: { 'mayfly-tenant': this.#name, 'content-type': bytes ? ARROW : JSON_TYPE, accept },
      ...(body === undefined ? {} : { body: bytes ? Buffer.from(body) : JSON.stringify(body) }),
    });
    if (!answer.ok) throw Object.assign(new Error('refused'), await answer.json());
    return answer;
  }

  async openSession({ timeout, idleTimeout }: { readonly timeout?: number | string; readonly idleTimeout?: number } = {}): Promise<PromisedSession> {
    const opened = await this.send('POST', '/v1/sessions', { timeout, idle_timeout_ms: idleTimeout });
    return this.session(((await opened.json()) as { session_id: string }).session_id);
  }

  session(id: string): PromisedSession {
    return new PlainSession(this, id);
  }

  async *lifecycle({ from }: { readonly from: number }): AsyncGenerator<{ readonly record: LifecycleRecord }> {
    const text = await (await this.send('GET', `/v1/lifecycle?from=${from}`)).text();
    for (const line of text.split('\n').filter(Boolean)) yield JSON.parse(line) as { record: LifecycleRecord };
  }
}

class PlainSession implements PromisedSession {
  readonly id: string;
  readonly #tenant: PlainTenant;

  constructor(tenant: PlainTenant, id: string) {
    this.#tenant = tenant;
    this.id = id;
  }

  /** From the log, followed until it tells of the end. */
  get ended(): Promise<LifecycleRecord> {
    return this.#followed();
  }

  async createTable(name: string, schema: Schema, { primaryKey = [] }: { readonly primaryKey?: readonly string[] } = {}): Promise<unknown> {
    const empty = tableToIPC(new Table(schema), 'stream');
    return this.#json('PUT', `/tables/${name}${primaryKey.length === 0 ? '' : `?primary_key=${primaryKey.join()}`}`, empty);
  }

  dropTable(name: string): Promise<{ readonly deleted_row_count: number }> {
    return this.#json('DELETE', `/tables/${name}`);
  }

  async insert(name: string, rows: Table): Promise<number> {
    return (await this.#json<{ rows: number }>('POST', `/tables/${name}/rows`, tableToIPC(rows, 'stream'))).rows;
  }

  async countRows(name: string): Promise<number> {
    return (await this.#json<{ rows: number }>('GET', `/tables/${name}`)).rows;
  }

  async tableRef(name: string): Promise<string> {
    return (await this.#json<{ table_ref: string }>('GET', `/tables/${name}`)).table_ref;
  }

  async rows(query: string): Promise<object[]> {
    return (await this.#arrow({ query })).toArray().map((row: { toJSON(): object }) => row.toJSON());
  }

  sql(table: string, query: string): Promise<Table> {
    return this.#arrow({ query, table });
  }

  close(): Promise<LifecycleRecord> {
    return this.#json('DELETE', '');
  }

  forceClose(): Promise<LifecycleRecord> {
    return this.#json('DELETE', '?as=timed_out');
  }

  async #arrow(body: object): Promise<Table> {
    const answer = await this.#tenant.send('POST', `/v1/sessions/${this.id}/sql`, body, ARROW);
    return tableFromIPC(new Uint8Array(await answer.arrayBuffer()));
  }

  async #json<Answer>(method: string, path: string, body?: object | Uint8Array): Promise<Answer> {
    return (await (await this.#tenant.send(method, `/v1/sessions/${this.id}${path}`, body)).json()) as Answer;
  }

  async #followed(): Promise<LifecycleRecord> {
    const answer = await this.#tenant.send('GET', `/v1/lifecycle?follow=1&session_id=${this.id}`);
    let text = '';
    for await (const chunk of answer.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      const lines = text.split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) {
        const { record } = JSON.parse(line) as { record: LifecycleRecord };
        if (record.event === 'closed' || record.event === 'timed_out') return record;
      }
    }
    throw new Error('the log was cut');
  }
}
