import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freePorts } from '../../src/cli/cluster/free-port.ts';
import { ServerProcess } from '../../src/cli/cluster/server-process.ts';
import { LIFECYCLE_STREAM } from '../../src/nats/streams.ts';
import { newHolder, newSession, recordOf } from '../conformance/samples.ts';
import { scratchFolder } from '../embedded/scratch.ts';
import { DAY_MS, openNode, plainClient, removeStreams, serversOfSuite, streamInfo } from './nats-node.ts';

/** A server that was started without `--jetstream`. */
class PlainNatsServer extends ServerProcess {
  readonly url: string;

  constructor(port: number) {
    super({ program: 'nats-server', folder: path.join(scratchFolder(), 'plain'), args: ['--addr', '127.0.0.1', '--port', String(port)] });
    this.url = `nats://127.0.0.1:${port}`;
  }

  protected override answers(): Promise<boolean> {
    return Promise.resolve(this.output().includes('Server is ready'));
  }
}

const GOOD = {
  name: LIFECYCLE_STREAM,
  subjects: ['jammi.audit.session_lifecycle.v1.>'],
  retention: 'limits',
  storage: 'file',
  discard: 'new',
  discard_new_per_subject: true,
  max_msgs_per_subject: 1,
  max_age: 30 * DAY_MS * 1_000_000,
  num_replicas: 1,
  deny_delete: true,
  deny_purge: true,
  allow_direct: false,
};

describe('the streams', () => {
  const servers = serversOfSuite(1);

  it('are made as the promises need them', async () => {
    await removeStreams(servers);
    const node = await openNode(servers);
    expect((await streamInfo(servers, LIFECYCLE_STREAM)).config).toMatchObject({ ...GOOD, allow_rollup_hdrs: false, max_msgs: -1, max_bytes: -1 });
    const decisions = await streamInfo(servers, 'MAYFLY_DECISIONS');
    expect(decisions.config).toMatchObject({ ...GOOD, name: 'MAYFLY_DECISIONS', subjects: ['mayfly.decision.v1.>'] });
    expect(node.notices.map(({ kind }) => kind)).toEqual(['stream_created', 'stream_created']);
    const second = await openNode(servers);
    expect(second.notices).toEqual([]);
  });

  it('hold a record as the body, and who wrote it in headers', async () => {
    await removeStreams(servers);
    const node = await openNode(servers);
    const [session, holder] = [newSession(), { ...newHolder(), life: '127.0.0.1:4711' }];
    const client = await plainClient(servers);
    const heard = client.subscribe('jammi.audit.session_lifecycle.v1.acme.>', { max: 1 });
    await client.flush();
    await node.log.append(0, recordOf(session, 'opened'), holder);
    for await (const message of heard) {
      expect(message.subject).toBe(`jammi.audit.session_lifecycle.v1.acme.${session}.0`);
      expect(message.json()).toEqual(recordOf(session, 'opened'));
      const headers = ['Node', 'Incarnation', 'Life', 'Event'].map((name) => message.headers?.get(`Mayfly-${name}`));
      expect(headers).toEqual([holder.node, holder.incarnation, holder.life, 'opened']);
      expect(message.headers?.get('Nats-Msg-Id')).toBe('');
    }
  });

  it.each([
    ['subjects', { subjects: ['jammi.audit.session_lifecycle.v1.*.*.*'] }, '--subjects=jammi.audit.session_lifecycle.v1.>'],
    ['discard', { discard: 'old', discard_new_per_subject: false }, '--discard=new'],
    ['discard_new_per_subject', { discard_new_per_subject: false }, '--discard-per-subject'],
    ['max_msgs_per_subject', { max_msgs_per_subject: -1, discard_new_per_subject: false }, '--discard-per-subject'],
    ['max_msgs_per_subject', { max_msgs_per_subject: 2 }, '--max-msgs-per-subject=1'],
    ['max_age', { max_age: 24 * 3_600_000_000_000 }, '--max-age=720h", or set retention to what the stream has'],
    ['deny_delete', { deny_delete: false }, '--deny-delete'],
    ['deny_purge', { deny_purge: false }, '--deny-purge'],
    ['allow_rollup_hdrs', { allow_rollup_hdrs: true, deny_purge: false }, '--deny-purge'],
    ['allow_direct', { allow_direct: true }, '--no-allow-direct'],
  ] as const)('are refused with another %s, and taken once it is mended as told: %j', async (_setting, wrong, flag) => {
    await removeStreams(servers);
    const client = await plainClient(servers);
    const ask = async (what: string, config: object): Promise<unknown> =>
      (await client.request(`$JS.API.STREAM.${what}.${LIFECYCLE_STREAM}`, JSON.stringify(config))).json();
    expect(await ask('CREATE', { ...GOOD, ...wrong })).not.toHaveProperty('error');
    const refused = await openNode(servers).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'invalid_request', fields: { field: 'nats', stream: LIFECYCLE_STREAM } });
    expect(String(refused)).toContain(`nats stream edit ${LIFECYCLE_STREAM} `);
    expect(String(refused)).toContain(flag);
    expect(await ask('UPDATE', GOOD)).not.toHaveProperty('error');
    await openNode(servers);
  });

  it.each([
    ['storage', { storage: 'memory' }],
    ['retention', { retention: 'interest' }],
  ] as const)('are refused for good with another %s', async (setting, wrong) => {
    await removeStreams(servers);
    const client = await plainClient(servers);
    await client.request(`$JS.API.STREAM.CREATE.${LIFECYCLE_STREAM}`, JSON.stringify({ ...GOOD, ...wrong }));
    await expect(openNode(servers)).rejects.toMatchObject({
      code: 'invalid_request',
      fields: { setting },
      message: expect.stringContaining('cannot be changed'),
    });
  });

  it('may have a bound on their size: what is above it is refused, never dropped', async () => {
    await removeStreams(servers);
    const client = await plainClient(servers);
    await client.request(`$JS.API.STREAM.CREATE.${LIFECYCLE_STREAM}`, JSON.stringify({ ...GOOD, max_bytes: 2_000 }));
    const node = await openNode(servers);
    const appended = [];
    for (let i = 0; i < 8; i += 1) appended.push(await node.log.append(0, recordOf(newSession(), 'opened'), newHolder()).catch((error: unknown) => error));
    expect(appended[0]).toMatchObject({ outcome: 'created' });
    expect(appended.at(-1)).toMatchObject({ code: 'unavailable' });
  });
});

describe('retention', () => {
  const servers = serversOfSuite(1);

  it.each([
    [8 * DAY_MS, 2 * DAY_MS, /at least 216h/],
    [30 * DAY_MS, null, /kept for ever/],
  ])('of %s ms is refused for sessions pursued for %s ms', async (retentionMs, pursuitMs, words) => {
    await expect(openNode(servers, { retentionMs, pursuitMs })).rejects.toMatchObject({
      code: 'invalid_request',
      fields: { field: 'retention' },
      message: expect.stringMatching(words),
    });
  });

  it('for ever is a stream without an age', async () => {
    await removeStreams(servers);
    await openNode(servers, { retentionMs: null, pursuitMs: null });
    expect((await streamInfo(servers, LIFECYCLE_STREAM)).config.max_age).toBe(0);
  });
});

describe('servers', () => {
  it('without JetStream are refused in words', async () => {
    const [port] = await freePorts(1);
    const server = new PlainNatsServer(port!);
    onTestFinished(() => server.kill());
    await server.start();
    await expect(openNode([server])).rejects.toMatchObject({
      code: 'invalid_request',
      fields: { field: 'nats' },
      message: expect.stringContaining('--jetstream'),
    });
  });

  it('that are not there make the node unavailable', async () => {
    const [port] = await freePorts(1);
    await expect(openNode([{ url: `nats://127.0.0.1:${port}` }])).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('three servers', () => {
  const servers = serversOfSuite(3);

  it('keep three replicas, are warned about when they are old, and fewer replicas are refused', async () => {
    const node = await openNode(servers);
    const info = await streamInfo(servers, LIFECYCLE_STREAM);
    expect(info.config.num_replicas).toBe(3);
    expect(node.notices).toContainEqual(expect.objectContaining({ kind: 'server_outdated', detail: expect.stringContaining('2.9.21') }));
    await removeStreams(servers);
    const client = await plainClient(servers);
    await client.request(`$JS.API.STREAM.CREATE.${LIFECYCLE_STREAM}`, JSON.stringify(GOOD), { timeout: 5_000 });
    await expect(openNode(servers)).rejects.toMatchObject({ code: 'invalid_request', message: expect.stringContaining('--replicas=3') });
  });
});
