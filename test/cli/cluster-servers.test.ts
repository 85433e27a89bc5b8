import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { identify } from '../../src/embedded/process-identity.ts';
import { findProgram } from '../../src/cli/cluster/find-program.ts';
import { onFreePorts } from '../../src/cli/cluster/free-port.ts';
import { startNatsCluster, startNatsServer } from '../../src/cli/cluster/nats-server.ts';
import { NodeProcess } from '../../src/cli/cluster/node-process.ts';
import { RedisServer, startRedisServer, startRedisServers } from '../../src/cli/cluster/redis-server.ts';
import type { ServerProcess } from '../../src/cli/cluster/server-process.ts';

let folder: string;
const started: ServerProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'mayfly-servers-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all(started.splice(0).map(async (server) => server.stop()));
  rmSync(folder, { recursive: true, force: true });
});

function own<Server extends ServerProcess>(server: Server): Server {
  started.push(server);
  return server;
}

/** One line of the server's answer to one line. */
async function say(port: number, line: string, waitMs = 5_000): Promise<string> {
  const socket = createConnection({ port, host: '127.0.0.1' });
  try {
    await once(socket, 'connect');
    socket.write(`${line}\r\n`);
    const [answer] = (await once(socket, 'data', { signal: AbortSignal.timeout(waitMs) })) as [Buffer];
    return answer.toString().trim();
  } finally {
    socket.destroy();
  }
}

/** A zombie that nobody reaps is dead. */
function isAlive(pid: number): boolean {
  return identify(pid) !== undefined;
}

describe('a server program', () => {
  it('is found where Debian puts it, without a PATH', () => {
    vi.stubEnv('PATH', '');
    expect(findProgram('nats-server')).toMatch(/^\/usr\/(s|local\/s?)bin\/nats-server$/);
  });

  it('that is missing is named with the line that brings it', () => {
    vi.stubEnv('PATH', '/nowhere');
    const missing = 'redis-servant' as 'redis-server';
    expect(() => findProgram(missing)).toThrow(
      expect.objectContaining({ code: 'unavailable', program: missing, install: 'sudo apt-get install -y redis-servant' }) as Error,
    );
  });
});

describe('a Redis server', () => {
  it('answers when it is started, and is gone when it is stopped', async () => {
    const server = own(await startRedisServer({ folder }));
    const pid = server.pid!;
    expect(await say(server.port, 'CONFIG GET maxmemory-policy')).toContain('noeviction');
    await server.stop();
    expect(server.pid).toBeUndefined();
    expect(isAlive(pid)).toBe(false);
    await server.stop();
  });

  it('is silent while it is paused, goes on afterwards, and can be stopped while paused', async () => {
    const server = own(await startRedisServer({ folder }));
    server.pause();
    await expect(say(server.port, 'PING', 200)).rejects.toThrow(/abort/i);
    server.resume();
    expect(await say(server.port, 'PING')).toBe('+PONG');
    server.pause();
    await server.stop();
    expect(server.pid).toBeUndefined();
  });

  it('comes back on its port after a kill: empty, or with its data when it is persistent', async () => {
    const [empty, kept] = await Promise.all(
      [false, true].map(async (persistent) => own(await startRedisServer({ folder: path.join(folder, String(persistent)), persistent }))),
    );
    for (const server of [empty!, kept!]) {
      expect(await say(server.port, 'SET k v')).toBe('+OK');
      await server.kill();
      await expect(say(server.port, 'PING')).rejects.toThrow('ECONNREFUSED');
      await server.start();
    }
    expect(await say(empty!.port, 'GET k')).toBe('$-1');
    expect(await say(kept!.port, 'GET k')).toContain('v');
  });

  it('says why it did not start, and does not take another server for itself', async () => {
    const server = own(await startRedisServer({ folder }));
    const second = new RedisServer(server.port, { folder: path.join(folder, 'second') });
    await expect(second.start()).rejects.toThrow(/address already in use/i);
    expect(second.pid).toBeUndefined();
  });

  it('is started on another port when somebody took the first meanwhile, a node too', async () => {
    const taken = own(await startRedisServer({ folder })).port;
    let starts = 0;
    const server = await onFreePorts(1, async ([free]) => {
      starts += 1;
      const one = new RedisServer(starts === 1 ? taken : free!, { folder: path.join(folder, 'second') });
      await one.start();
      return own(one);
    });
    expect([starts, server.port === taken]).toEqual([2, false]);
    const node = new NodeProcess({ folder: path.join(folder, 'node'), port: taken, nodeId: 'node', flags: [] });
    await expect(node.start()).rejects.toThrow(/address already in use/i);
    await expect(onFreePorts(1, () => Promise.reject(new Error('something else')))).rejects.toThrow('something else');
  });

  it('does not outlive the process that started it, even one that is killed', async () => {
    const module = new URL('../../dist/src/cli/cluster/redis-server.js', import.meta.url).href;
    const script = `const { startRedisServer } = await import(process.argv[1]); console.log((await startRedisServer({ folder: process.argv[2] })).pid);`;
    const starter = spawn(process.execPath, ['--input-type=module', '-e', script, module, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [said] = (await once(starter.stdout, 'data')) as [Buffer];
    const pid = Number(said.toString());
    expect(isAlive(pid)).toBe(true);
    starter.kill('SIGKILL');
    await expect.poll(() => isAlive(pid)).toBe(false);
  });

  it('has brothers with ports and folders of their own', async () => {
    const servers = await startRedisServers(3, { folder });
    servers.forEach((server) => own(server));
    expect(new Set(servers.map(({ port }) => port)).size).toBe(3);
    expect(new Set(servers.map((server) => server.folder)).size).toBe(3);
  });
});

describe('a NATS server', () => {
  it('answers with JetStream, and comes back on its port', async () => {
    const server = own(await startNatsServer({ folder }));
    const before = server.pid;
    await server.kill();
    await server.start();
    expect(server.pid).not.toBe(before);
    const jsz = (await (await fetch(`${server.monitorUrl}/jsz`)).json()) as { config: { store_dir: string } };
    expect(jsz.config.store_dir).toContain(folder);
  });

  it('forms a cluster of three that has a leader', async () => {
    const servers = await startNatsCluster({ folder });
    servers.forEach((server) => own(server));
    const jsz = (await (await fetch(`${servers[0]!.monitorUrl}/jsz`)).json()) as { meta_cluster: { leader: string; cluster_size: number } };
    expect(jsz.meta_cluster.cluster_size).toBe(3);
    expect(jsz.meta_cluster.leader).toMatch(/^nats-/);
  });
});
