import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { DiscardPolicy, Events, StorageType, connect } from 'nats';
import type { JetStreamManager, NatsConnection } from 'nats';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { startNatsServer } from '../../src/cli/cluster/nats-server.ts';
import type { NatsServer } from '../../src/cli/cluster/nats-server.ts';
import { SESSION_LIFECYCLE_TOPIC } from '../../src/domain/lifecycle-record.ts';
import { ROOT, read } from '../house/project-files.ts';

const STREAM = 'MAYFLY_LIFECYCLE';
const DECISIONS = 'MAYFLY_DECISIONS';
const PASSWORDS = { MAYFLY_NATS_PASSWORD: 'of-the-nodes', AUDIT_ACME_NATS_PASSWORD: 'of-the-reader' };
const SESSION = '6d1f4f60-8a3e-4c7b-9d52-0b6f5f3c1a77';

let scratch: string;
let server: NatsServer;
let nodes: NatsConnection;
let manager: JetStreamManager;

beforeAll(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), 'mayfly-reader-'));
  for (const [name, value] of Object.entries(PASSWORDS)) vi.stubEnv(name, value);
  server = await startNatsServer({ folder: scratch, config: path.join(ROOT, 'deploy/nats-audit.conf') });
  nodes = await connect({ servers: server.url, user: 'mayfly', pass: PASSWORDS.MAYFLY_NATS_PASSWORD });
  manager = await nodes.jetstreamManager();
  const terms = {
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    discard_new_per_subject: true,
    max_msgs_per_subject: 1,
    deny_delete: true,
    deny_purge: true,
    allow_direct: false,
  };
  await manager.streams.add({ name: STREAM, subjects: [`${SESSION_LIFECYCLE_TOPIC}.>`], ...terms });
  await manager.streams.add({ name: DECISIONS, subjects: ['mayfly.decision.v1.>'], ...terms });
  await append('acme', 0, 'other', 0, 'acme', 1);
  await snippet('operator');
});
afterAll(async () => {
  await nodes?.close();
  await server?.stop();
  vi.unstubAllEnvs();
  await rm(scratch, { recursive: true, force: true });
});

/** Appends what a session's chain holds at n, by tenant. */
async function append(...chain: readonly (string | number)[]): Promise<void> {
  for (let at = 0; at < chain.length; at += 2) {
    const [tenant, n] = [chain[at], chain[at + 1]];
    await nodes.jetstream().publish(`${SESSION_LIFECYCLE_TOPIC}.${tenant}.${SESSION}.${n}`, JSON.stringify({ tenant_id: tenant, n }));
  }
}

/** Starts one of the page's programs as somebody would who copied it. */
async function start(name: 'operator' | 'reader') {
  const [, program] = new RegExp(`^\`\`\`js ${name}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(read('docs/audit.md')) ?? [];
  const folder = path.join(ROOT, 'dist/documents');
  await mkdir(folder, { recursive: true });
  const file = path.join(folder, `audit-${name}.mjs`);
  await writeFile(file, program ?? '');
  return spawn(process.execPath, [file], { env: { ...process.env, NATS_URL: server.url }, stdio: ['ignore', 'pipe', 'inherit'] });
}

async function snippet(name: 'operator'): Promise<void> {
  const child = await start(name);
  expect(await once(child, 'exit')).toEqual([0, null]);
}

/** What the page's reader prints until it printed so many lines; it is stopped then. */
async function readerPrints(count: number): Promise<readonly unknown[]> {
  const child = await start('reader');
  const printed: unknown[] = [];
  for await (const line of createInterface(child.stdout)) {
    if (printed.push(JSON.parse(line)) === count) child.kill('SIGTERM');
  }
  if (child.exitCode === null) await once(child, 'exit');
  expect(child.exitCode).toBe(0);
  return printed;
}

describe('a reader of one tenant', () => {
  it('gets its records in order, as they are stored, and goes on where it ended', async () => {
    expect(await readerPrints(2)).toEqual([
      { offset: 1, record: { tenant_id: 'acme', n: 0 } },
      { offset: 3, record: { tenant_id: 'acme', n: 1 } },
    ]);
    await append('other', 1, 'acme', 2);
    expect(await readerPrints(1)).toEqual([{ offset: 5, record: { tenant_id: 'acme', n: 2 } }]);
  });
});

describe('a reader of one tenant can not', () => {
  let reader: NatsConnection;
  let refusals: string[];

  beforeAll(async () => {
    reader = await connect({ servers: server.url, user: 'audit-acme', pass: PASSWORDS.AUDIT_ACME_NATS_PASSWORD, inboxPrefix: '_INBOX' });
    refusals = [];
    void (async () => {
      for await (const status of reader.status()) if (status.type === Events.Error) refusals.push(status.permissionContext?.subject ?? '');
    })();
    // Another tenant's reader has a consumer too.
    await manager.consumers.add(STREAM, { durable_name: 'audit-other', filter_subject: `${SESSION_LIFECYCLE_TOPIC}.other.>` });
  });
  afterEach(() => {
    refusals = [];
  });
  afterAll(async () => {
    await reader.close();
  });

  /** What both streams hold: nothing of what is tried here changes it. */
  async function held(): Promise<unknown> {
    const states = await Promise.all([STREAM, DECISIONS].map(async (name) => (await manager.streams.info(name)).state));
    return states.map(({ messages, last_seq, num_deleted }) => ({ messages, last_seq, num_deleted }));
  }

  async function lengths(): Promise<readonly number[]> {
    return Promise.all([STREAM, DECISIONS].map(async (name) => (await manager.streams.info(name)).state.messages));
  }

  it.each([
    ['write to the topic', `${SESSION_LIFECYCLE_TOPIC}.acme.${SESSION}.3`, '{}'],
    ['decide', `mayfly.decision.v1.acme.${SESSION}`, '{}'],
    ['delete the stream', `$JS.API.STREAM.DELETE.${STREAM}`, ''],
    ['purge it', `$JS.API.STREAM.PURGE.${STREAM}`, ''],
    ['change it', `$JS.API.STREAM.UPDATE.${STREAM}`, JSON.stringify({ name: STREAM, subjects: [`${SESSION_LIFECYCLE_TOPIC}.>`], deny_purge: false })],
    ['delete a record', `$JS.API.STREAM.MSG.DELETE.${STREAM}`, '{"seq":1}'],
    ['read any message', `$JS.API.STREAM.MSG.GET.${STREAM}`, '{"seq":2}'],
    ['see what there is', `$JS.API.STREAM.INFO.${STREAM}`, ''],
    ['make a consumer', `$JS.API.CONSUMER.CREATE.${STREAM}.mine`, JSON.stringify({ stream_name: STREAM, config: { name: 'mine', ack_policy: 'none' } })],
    ['remove one', `$JS.API.CONSUMER.DELETE.${STREAM}.audit-other`, ''],
    ["read another tenant's", `$JS.API.CONSUMER.MSG.NEXT.${STREAM}.audit-other`, '{"batch":1}'],
    ["acknowledge another tenant's", `$JS.ACK.${STREAM}.audit-other.1.2.1.0.0`, '+ACK'],
  ])('%s', async (_what, subject, body) => {
    const before = await held();
    await expect(reader.request(subject, body, { timeout: 5_000 })).rejects.toThrow(/permissions violation|503/i);
    await expect.poll(() => refusals).toEqual([subject]);
    expect(await held()).toEqual(before);
    expect((await manager.consumers.info(STREAM, 'audit-other')).delivered.consumer_seq).toBe(0);
  });

  it.each(['DELETE', 'PURGE', 'MSG.DELETE', 'MSG.GET', 'INFO'])('call STREAM.%s under the prefix it has for its consumer', async (call) => {
    const before = await held();
    await expect(reader.request(`audit.api.STREAM.${call}.${STREAM}`, '{"seq":1}', { timeout: 5_000 })).rejects.toThrow(/503/);
    expect(await held()).toEqual(before);
  });

  it("listen to another tenant's subjects, or to its own", async () => {
    const subjects = [`${SESSION_LIFECYCLE_TOPIC}.other.>`, `${SESSION_LIFECYCLE_TOPIC}.acme.>`, '>'];
    for (const subject of subjects) {
      const refused = await new Promise((resolve) => reader.subscribe(subject, { callback: resolve }));
      expect(refused).toMatchObject({ code: 'PERMISSIONS_VIOLATION' });
    }
    await expect.poll(() => refusals).toEqual(subjects);
  });

  it('make the server write for it, by the subject that an answer is to go to', async () => {
    const before = (await lengths()).map((length) => length + 1);
    for (const reply of [`${SESSION_LIFECYCLE_TOPIC}.acme.${SESSION}.5`, `mayfly.decision.v1.acme.${SESSION}`]) {
      reader.publish(`audit.api.CONSUMER.INFO.${STREAM}.audit-acme`, '', { reply });
      reader.publish(`$JS.ACK.${STREAM}.audit-acme.1.1.1.0.0`, '+NXT', { reply });
      reader.publish(`audit.api.CONSUMER.MSG.NEXT.${STREAM}.audit-acme`, '{"batch":1,"no_wait":true}', { reply });
    }
    // Answers go out in order, and a stream takes what comes in order: after these, whatever was to be written is.
    await reader.request(`audit.api.CONSUMER.INFO.${STREAM}.audit-acme`, '', { timeout: 5_000 });
    await append('acme', 3);
    await nodes.jetstream().publish('mayfly.decision.v1.acme.another', '{}');
    expect(await lengths()).toEqual(before);
  });

  it('though within the account of the nodes that would be enough', async () => {
    const subject = `${SESSION_LIFECYCLE_TOPIC}.acme.${SESSION}.6`;
    nodes.publish('$JS.API.INFO', '', { reply: subject });
    await expect.poll(async () => (await manager.streams.getMessage(STREAM, { last_by_subj: subject }).catch(() => undefined))?.subject).toBe(subject);
  });
});
