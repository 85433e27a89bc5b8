import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SETTINGS, SETTING_KEYS, fileKeyOf, optionOf, variableOf } from '../../src/config-table.ts';
import { showValue } from '../../src/config-values.ts';
import { defaultSettings, loadSettings, readConfigFile } from '../../src/config.ts';
import type { SettingSources } from '../../src/config.ts';
import { Mayfly } from '../../src/mayfly.ts';
import { InvalidRequest, MayflyError } from '../../src/domain/errors.ts';
import { runCli } from './run-cli.ts';

/** The field that a refusal names. */
function refusedField(given: SettingSources): unknown {
  try {
    loadSettings(given);
  } catch (error) {
    if (error instanceof MayflyError && error.code === 'invalid_request') return error.fields['field'];
    throw error;
  }
  return undefined;
}

describe('where a setting comes from', () => {
  const file = { claim_ms: '50s' };
  const env = { MAYFLY_CLAIM_MS: '40s' };

  it('is the flag before the variable, the variable before the file, the file before the default', () => {
    const claim = (given: SettingSources) => {
      const { settings, sources } = loadSettings(given);
      return [settings.claimMs, sources.claimMs];
    };
    expect(claim({ flags: { claimMs: '30s' }, env, file })).toEqual([30_000, '--claim-ms']);
    expect(claim({ env, file })).toEqual([40_000, 'MAYFLY_CLAIM_MS']);
    expect(claim({ file })).toEqual([50_000, 'file:claim_ms']);
    expect(claim({})).toEqual([15_000, 'default']);
  });

  it('is not a variable that is set to nothing', () => {
    expect(loadSettings({ env: { MAYFLY_CLAIM_MS: '' }, file }).settings.claimMs).toBe(50_000);
  });
});

describe('a switch that is on by default', () => {
  it('is put off by a value on the command line', async () => {
    const { stdout } = await runCli(['serve', '--print-config', '--json', '--reuse-slots', 'false']);
    expect(JSON.parse(stdout)).toContainEqual(expect.objectContaining({ setting: 'reuse-slots', value: 'false', source: '--reuse-slots', default: 'true' }));
  });
});

describe('the defaults', () => {
  it('are those of the contract', () => {
    const { port, host, timeoutMs, timeoutMaxMs, statementTimeoutMs, memoryLimitBytes } = defaultSettings();
    expect({ port, host, timeoutMs, timeoutMaxMs, statementTimeoutMs, memoryLimitBytes }).toEqual({
      port: 7464,
      host: '127.0.0.1',
      timeoutMs: 3_600_000,
      timeoutMaxMs: 86_400_000,
      statementTimeoutMs: 30_000,
      memoryLimitBytes: 256_000_000,
    });
  });

  it('give way to a bound that was asked for', () => {
    expect(loadSettings({ flags: { timeoutMax: '10m' } }).settings.timeoutMs).toBe(600_000);
    expect(loadSettings({ flags: { maxWorkers: 1 } }).settings.spareWorkers).toBe(1);
  });
});

describe.each(SETTING_KEYS.filter((key) => SETTINGS[key].min !== undefined))('%s', (key) => {
  const spec = SETTINGS[key];
  const { name, unit, min = 0, max = 0 } = spec;

  it('takes both its bounds, refuses what is beyond them from every source, and names itself', () => {
    expect(spec.parse(min, name)).toBe(min);
    expect(spec.parse(max, name)).toBe(max);
    const field = fileKeyOf(name);
    for (const beyond of [min - 1, max + 1]) {
      expect(refusedField({ flags: { [optionOf(name)]: beyond } })).toBe(field);
      expect(refusedField({ env: { [variableOf(name)]: String(beyond) } })).toBe(field);
      expect(refusedField({ file: { [field]: beyond } })).toBe(field);
    }
  });

  it('reads back what it shows', () => {
    for (const value of [min, max, spec.default]) expect(spec.parse(showValue(value, unit), name)).toBe(value);
  });
});

describe('what does not fit together is refused', () => {
  it.each([
    ['fence_ms', { heartbeatMs: 4_000, fenceMs: 7_999, claimMs: 60_000 }],
    ['claim_ms', { fenceMs: 8_000, claimMs: 15_999 }],
    ['timeout', { timeout: '2h', timeoutMax: '1h' }],
    ['spare_workers', { spareWorkers: 3, maxWorkers: 2 }],
    ['jwt_keys', { jwtIssuer: 'https://id.example.com' }],
    ['host', { host: '0.0.0.0' }],
    ['host', { host: '::' }],
  ])('naming %s', (field, flags) => {
    expect(refusedField({ flags })).toBe(field);
  });

  it.each([
    [{ heartbeatMs: 4_000, fenceMs: 8_000, claimMs: 16_000 }],
    [{ host: '0.0.0.0', insecure: true }],
    [{ host: '0.0.0.0', jwtKeys: 'keys.json' }],
    [{ host: '0.0.0.0', tokens: { 'token-of-acme-0123456789': 'acme' } }],
    [{ host: '127.8.0.1' }],
    [{ host: '::1' }],
    [{ timeout: '48h', timeoutMax: 'none' }],
  ])('and %j fits', (flags) => {
    expect(refusedField({ flags })).toBeUndefined();
  });
});

describe('a node of a cluster', () => {
  const whole = { redis: '127.0.0.1:6379', nats: 'nats://10.0.0.1:4222,10.0.0.2:4222', clusterSecret: 'sixteen-characters' };

  it('takes its servers from every source, with or without a scheme', () => {
    expect(loadSettings({ flags: whole }).settings).toMatchObject({
      redis: ['redis://127.0.0.1:6379'],
      nats: ['nats://10.0.0.1:4222', 'nats://10.0.0.2:4222'],
    });
    expect(loadSettings({ flags: whole, file: { redis: ['a', 'b', 'c'] }, env: {} }).settings.redis).toEqual(['redis://127.0.0.1:6379']);
    expect(loadSettings({ env: { MAYFLY_REDIS: 'a,b,c', MAYFLY_NATS: 'n', MAYFLY_CLUSTER_SECRET: whole.clusterSecret } }).settings.redis).toHaveLength(3);
  });

  it.each([
    [{ redis: undefined }, 'redis'],
    [{ nats: undefined }, 'nats'],
    [{ clusterSecret: undefined }, 'cluster_secret'],
    [{ clusterSecret: 'short' }, 'cluster_secret'],
    [{ redis: 'a,b' }, 'redis'],
    [{ redis: 'a,b,a' }, 'redis'],
    [{ redis: 'http://a' }, 'redis'],
    [{ nats: '' }, 'nats'],
    [{ redis: undefined, nats: undefined }, 'cluster_secret'],
    [{ redis: undefined, nats: undefined, clusterSecret: undefined, advertise: 'http://10.0.0.1:7464' }, 'advertise'],
    [{ advertise: '10.0.0.1' }, 'advertise'],
  ])('with %j is refused', (change, field) => {
    expect(refusedField({ flags: { ...whole, ...change } })).toBe(field);
  });

  it('shows neither its secret nor a password', async () => {
    const { stdout } = await runCli(['serve', '--print-config', '--redis', 'redis://:hunter22@10.0.0.1', '--nats', 'nats://me:hunter22@10.0.0.2'], {
      MAYFLY_CLUSTER_SECRET: whole.clusterSecret,
    });
    expect(stdout).toContain('redis://:hidden@10.0.0.1');
    expect(stdout).not.toMatch(/hunter22|sixteen/);
  });
});

describe('what is not known', () => {
  it('is refused as a key of the file', () => {
    expect(refusedField({ file: { tiemout: '1h' } })).toBe('tiemout');
  });

  it('tells what a Kubernetes service put into MAYFLY_PORT', () => {
    expect(() => loadSettings({ env: { MAYFLY_PORT: 'tcp://10.0.0.1:7464' } })).toThrow('enableServiceLinks');
  });
});

describe('the config file', () => {
  it('is one JSON object, or refused by its name', () => {
    const folder = mkdtempSync(join(tmpdir(), 'mayfly-config-'));
    const path = join(folder, 'mayfly.json');
    try {
      writeFileSync(path, '{"timeout": "2h"}');
      expect(loadSettings({ file: readConfigFile(path) }).settings.timeoutMs).toBe(7_200_000);
      for (const bad of ['[]', 'null', '{"timeout":', '"1h"']) {
        writeFileSync(path, bad);
        expect(() => readConfigFile(path)).toThrow(InvalidRequest);
        expect(() => readConfigFile(path)).toThrow(path);
      }
      expect(() => readConfigFile(join(folder, 'none.json'))).toThrow('none.json');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('Mayfly.open', () => {
  it('refuses an option that is none: mistyped, it would leave a default in force', async () => {
    await expect(Mayfly.open({ dataDirr: 'elsewhere' } as never)).rejects.toMatchObject({ code: 'invalid_request', field: 'dataDirr' });
  });
});
