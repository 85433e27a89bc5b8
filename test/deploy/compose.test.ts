import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { SETTINGS, SETTING_KEYS, variableOf } from '../../src/config-table.ts';
import { isClustered, loadSettings } from '../../src/config.ts';
import { parseDuration } from '../../src/domain/duration.ts';
import { ROOT, read } from '../house/project-files.ts';
import { complaints, readCompose } from './compose-file.ts';
import type { Service } from './compose-file.ts';

const file = readCompose();
const services = Object.entries(file.services);
const named = (prefix: string): readonly [string, Service][] => services.filter(([name]) => name.startsWith(`${prefix}-`));
const nodes = named('mayfly');
const variables = new Set([...SETTING_KEYS.map((key) => variableOf(SETTINGS[key].name)), 'MAYFLY_CONFIG']);

/** What the secret file holds, as far as settings go. */
const SECRETS = { cluster_secret: 'at-least-16-characters', tokens: { 'a-token-of-the-test': 'demo' } };
const settingsOf = ({ environment = {} }: Service) => loadSettings({ env: environment, file: SECRETS }).settings;
const networksOf = ({ networks }: Service): readonly string[] => (Array.isArray(networks) ? (networks as readonly string[]) : Object.keys(networks));

describe('compose.yaml', () => {
  it('is valid by the schema of the Compose specification', () => {
    expect(complaints(file)).toEqual([]);
  });

  it('would be caught by that schema if it were not', () => {
    const spoiled = read('compose.yaml').replaceAll('stop_grace_period', 'stop_grace');
    expect(complaints(readCompose(spoiled)).length).toBeGreaterThan(0);
    expect(complaints({ services: { a: { image: 'a:1', ports: 'none' } } }).length).toBeGreaterThan(0);
  });

  it('has three Redis masters, three NATS servers, three nodes and a balancer', () => {
    expect([named('redis').length, named('nats').length, nodes.length]).toEqual([3, 3, 3]);
    expect(services.length).toBe(10);
    expect(Object.keys(file.services)).toContain('balancer');
  });

  it.each(services)('%s is of an exact version, checked for health, confined and bounded', (_name, service) => {
    expect(service.image).toMatch(/^[a-z]+:\d+\.\d+\.\d+(-[a-z0-9]+)?$/);
    expect(service.healthcheck?.test.length).toBeGreaterThan(1);
    expect(service).toMatchObject({ restart: 'unless-stopped', read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] });
    expect(Object.keys(service.deploy.resources.limits).sort()).toEqual(['cpus', 'memory', 'pids']);
  });

  it('keeps what must outlive a container in a volume of its own', () => {
    const used = services.flatMap(([, { volumes = [] }]) => volumes.map((volume) => volume.split(':')[0]));
    expect(used.length).toBe(9);
    expect(new Set(used)).toEqual(new Set(Object.keys(file.volumes)));
  });

  it('mounts nothing that is not there, but the secrets that are made first', () => {
    for (const { file: name } of Object.values(file.configs)) expect(existsSync(path.join(ROOT, name)), name).toBe(true);
    const given = services.flatMap(([, { configs = [], secrets = [] }]) => [...configs.map(({ source }) => source), ...secrets]);
    expect(new Set(given)).toEqual(new Set([...Object.keys(file.configs), ...Object.keys(file.secrets)]));
    expect(read('.gitignore').split('\n')).toContain(`${path.posix.dirname(path.posix.normalize(file.secrets['mayfly.json']?.file ?? ''))}/`);
  });

  it('publishes the balancer alone, on this machine alone, and lets nothing else out', () => {
    expect(services.filter(([, { ports }]) => ports !== undefined).map(([name]) => name)).toEqual(['balancer']);
    expect(file.services.balancer?.ports).toEqual(['${PUBLISH:-127.0.0.1:7464}:7464']);
    expect(file.networks).toEqual({ edge: {}, nodes: { internal: true }, stores: { internal: true } });
    expect(services.filter(([, service]) => networksOf(service).includes('edge')).map(([name]) => name)).toEqual(['balancer']);
  });

  it.each([...named('redis')])('%s keeps its keys: append-only file, nothing evicted, no replica of another', (_name, { command = [] }) => {
    const options = Object.fromEntries(command.flatMap((word, index) => (word.startsWith('--') ? [[word.slice(2), command[index + 1]]] : [])));
    expect(options).toMatchObject({ appendonly: 'yes', 'maxmemory-policy': 'noeviction', dir: '/data' });
    expect(options).not.toHaveProperty('replicaof');
  });
});

describe('the nodes of compose.yaml', () => {
  it('are given settings that exist and that a node accepts, as nodes of a cluster', () => {
    for (const [name, service] of nodes) {
      const given = Object.keys(service.environment ?? {});
      expect(given.filter((variable) => !variables.has(variable))).toEqual([]);
      const settings = settingsOf(service);
      expect(isClustered(settings)).toBe(true);
      expect(settings.nodeId).toBe(name);
    }
  });

  it('find every Redis master and NATS server, at the ports these listen on', () => {
    for (const [, service] of nodes) {
      const { redis, nats } = settingsOf(service);
      expect(redis.length % 2).toBe(1);
      expect(redis).toEqual(named('redis').map(([name]) => `redis://${name}:6379`));
      expect(nats).toEqual(named('nats').map(([name]) => `nats://${name}:4222`));
    }
  });

  it('advertise a name that leads to themselves on the network of nodes, and nowhere else', () => {
    for (const [name, service] of nodes) {
      expect(settingsOf(service).advertise).toBe(`http://${name}.nodes:7464`);
      expect(service.networks).toEqual({ nodes: { aliases: [`${name}.nodes`] }, stores: {} });
    }
  });

  it('have longer to stop than they take to drain and drop', () => {
    for (const [, service] of nodes)
      expect(parseDuration(service.stop_grace_period, 'stop_grace_period')).toBeGreaterThan(settingsOf(service).drainMs + 10_000);
  });

  it('start when what they need is healthy; the balancer starts after them', () => {
    const healthy = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, { condition: 'service_healthy' }]));
    for (const [, service] of nodes) expect(service.depends_on).toEqual(healthy([...named('redis'), ...named('nats')].map(([name]) => name)));
    expect(file.services.balancer?.depends_on).toEqual(healthy(nodes.map(([name]) => name)));
  });

  it('are healthy when they are ready, at the port they listen on', () => {
    for (const [, service] of nodes) {
      expect(settingsOf(service).port).toBe(7464);
      expect(service.healthcheck?.test.join(' ')).toContain('http://127.0.0.1:7464/readyz');
    }
  });

  it('are told no secret by a variable, and may not do without tokens', () => {
    for (const [, { environment = {}, secrets }] of nodes) {
      expect(secrets).toEqual(['mayfly.json']);
      expect(environment.MAYFLY_CONFIG).toBe('/run/secrets/mayfly.json');
      for (const secret of ['MAYFLY_CLUSTER_SECRET', 'MAYFLY_TOKENS', 'MAYFLY_INSECURE']) expect(environment).not.toHaveProperty(secret);
    }
    expect(read('compose.yaml')).not.toMatch(/cluster.secret|:\/\/[^\s/]*@/i);
  });

  it('are of the version of the package', () => {
    const { version } = JSON.parse(read('package.json')) as { version: string };
    for (const [, { image }] of nodes) expect(image).toBe(`mayfly:${version}`);
  });
});
