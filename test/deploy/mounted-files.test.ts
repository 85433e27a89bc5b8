import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadSettings, readConfigFile } from '../../src/config.ts';
import { ROOT, read } from '../house/project-files.ts';
import { readCompose } from './compose-file.ts';

const services = Object.keys(readCompose().services);
/** Debian keeps it where a user's PATH does not lead. */
const NATS_SERVER = 'nats-server';
let scratch: string;

beforeAll(() => {
  scratch = mkdtempSync(path.join(tmpdir(), 'mayfly-deploy-'));
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe('deploy/nats.conf', () => {
  const source = read('deploy/nats.conf');

  it('syncs every record before it acknowledges it, and routes to every server', () => {
    expect(source).toMatch(/^ {2}sync_interval: always$/m);
    const routes = [...source.matchAll(/^ +nats:\/\/([\w-]+):6222$/gm)].map(([, name]) => name);
    expect(routes).toEqual(services.filter((name) => name.startsWith('nats-')));
  });

  it('is what a server accepts; `sync_interval` came with 2.10, and older ones know the rest', () => {
    const file = path.join(scratch, 'nats.conf');
    writeFileSync(file, source.replace('sync_interval: always', ''));
    const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin`, NATS_NAME: 'nats-1' };
    const { status, stderr } = spawnSync(NATS_SERVER, ['-t', '-c', file], { env, encoding: 'utf8' });
    expect(status, stderr).toBe(0);
  });
});

describe('deploy/haproxy.cfg', () => {
  const source = read('deploy/haproxy.cfg');

  it('sends calls to every node that is ready', () => {
    const servers = [...source.matchAll(/^ {2}server (\S+) (\S+)$/gm)].map(([, name, address]) => [name, address]);
    expect(servers).toEqual(services.filter((name) => name.startsWith('mayfly-')).map((name) => [name, `${name}:7464`]));
    expect(source).toContain('http-check send meth GET uri /readyz ver HTTP/1.1');
    expect(source).toContain('http-check expect status 200');
    expect(source).toMatch(/^ {2}default-server check /m);
  });

  it('buffers no body, repeats no call that a node may have seen, and cuts off no node that drains', () => {
    const directives = source.split('\n').filter((line) => !line.trimStart().startsWith('#'));
    expect(directives.filter((line) => /http-buffer-request|compression|shutdown-sessions|http-server-close|http-tunnel/.test(line))).toEqual([]);
    expect(source).toMatch(/^ {2}retry-on conn-failure$/m);
    expect(source).toMatch(/^ {2}option abortonclose$/m);
  });

  it('answers in its own name with problems that say they may be retried', () => {
    const bodies = [...source.matchAll(/http-error status (\d+) content-type application\/problem\+json string '(.*?)' hdr Retry-After 1/g)];
    expect(bodies.map(([, status]) => status)).toEqual(['502', '503', '504']);
    for (const [, status, body = ''] of bodies) {
      expect(JSON.parse(body)).toMatchObject({ type: 'urn:mayfly:problem:unavailable', code: 'unavailable', status: Number(status), retryable: true });
    }
  });
});

describe('deploy/make-secrets.sh', () => {
  const make = (folder: string) => spawnSync(path.join(ROOT, 'deploy/make-secrets.sh'), [folder], { encoding: 'utf8' });

  it('makes what a node accepts as its config, different each time, in a folder of its own user', () => {
    const made = ['one', 'two'].map((name) => {
      const folder = path.join(scratch, name);
      const { status, stdout, stderr } = make(folder);
      expect(status, stderr).toBe(0);
      expect(stdout.trim()).toBe(path.join(folder, 'mayfly.json'));
      expect(statSync(folder).mode & 0o777).toBe(0o700);
      return loadSettings({ env: { MAYFLY_REDIS: 'redis-1', MAYFLY_NATS: 'nats-1' }, file: readConfigFile(stdout.trim()) }).settings;
    });
    for (const { clusterSecret, tokens } of made) {
      expect(clusterSecret).toHaveLength(48);
      expect(tokens).toEqual([
        { token: expect.stringMatching(/^[0-9a-f]{48}$/), tenant: 'demo' },
        { token: expect.stringMatching(/^[0-9a-f]{48}$/), operator: true },
      ]);
    }
    expect(new Set(made.flatMap(({ clusterSecret, tokens }) => [clusterSecret, ...tokens.map(({ token }) => token)])).size).toBe(6);
  });

  it('never replaces secrets that are there', () => {
    const folder = path.join(scratch, 'kept');
    make(folder);
    const before = readFileSync(path.join(folder, 'mayfly.json'), 'utf8');
    expect(make(folder)).toMatchObject({ status: 1, stderr: expect.stringContaining('is there already') });
    expect(readFileSync(path.join(folder, 'mayfly.json'), 'utf8')).toBe(before);
  });
});
