import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { MACHINE_NAMES, MACHINES } from '../../machines/index.ts';
import { chartOf } from '../../src/chart/chart-of.ts';
import { program } from '../../src/cli/program.ts';
import { runCli, startCli } from './run-cli.ts';

describe('exit codes', () => {
  it.each([[['--help']], [['--version']], [['audit', 'export', '--help']], ...program().commands.map((command) => [[command.name(), '--help']])])(
    'is 0 for %j, with nothing on standard error',
    async (args) => {
      const { code, stdout, stderr } = await runCli(args);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).not.toBe('');
    },
  );

  it.each([
    [['nonsense'], 'nonsense'],
    [['machine', 'toaster'], 'toaster'],
    [['serve', '--nonsense'], '--nonsense'],
    [['serve', '--timeout', 'soon'], '--timeout'],
    [['serve', '--port', '70000'], '--port'],
    [['serve', '--redis', 'redis://127.0.0.1'], 'nats'],
    [['serve', '--config', '/nowhere/mayfly.json'], '/nowhere/mayfly.json'],
    [['serve', '--jwt-keys', '/nowhere/keys.json'], '/nowhere/keys.json'],
    [['sessions', '--label', 'nocolon', '--tenant', 'acme'], 'key:value'],
    [['sessions', '--url', 'not a url', '--tenant', 'acme'], 'url'],
    [['close', '--tenant', 'acme'], '--label'],
    [['sql', 'not-an-id', 'SELECT 1', '--tenant', 'acme'], 'not-an-id'],
    [['sql', '00000000-0000-4000-8000-000000000000', 'SELECT 1', '--timeout', 'soon', '--tenant', 'acme'], 'soon'],
    [['sessions', '--label', 'user:1', '--label', 'user:2', '--tenant', 'acme'], 'user'],
    [['watch', '--from', 'then', '--tenant', 'acme'], 'then'],
  ])('is 2 for %j, which is wrong usage, with a complaint that names it', async (args, named) => {
    const { code, stdout, stderr } = await runCli(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^invalid_request: /);
    expect(stderr).toContain(named);
  });

  it('is 2 without a tenant, which only a token may leave out', async () => {
    const { code, stderr } = await runCli(['sessions']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^no_tenant_binding: /);
  });

  it('is 1 for a node that cannot be reached', async () => {
    const { code, stdout, stderr } = await runCli(['sessions', '--url', 'http://127.0.0.1:1', '--tenant', 'acme']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^unavailable: /);
  });
});

describe('mayfly machine', () => {
  it.each(MACHINE_NAMES)('draws %s as Mermaid, and as the JSON of its definition', async (name) => {
    const [mermaid, json] = await Promise.all([runCli(['machine', name]), runCli(['machine', name, '--format', 'json'])]);
    expect(mermaid.stdout).toMatch(/^stateDiagram-v2\n/);
    expect(JSON.parse(json.stdout)).toEqual(JSON.parse(JSON.stringify(chartOf(MACHINES[name]))));
    expect([mermaid.code, json.code]).toEqual([0, 0]);
  });

  it('ends quietly when its reader leaves', async () => {
    const child = startCli(['machine', 'session']);
    child.stdout.destroy();
    let complaint = '';
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (complaint += chunk));
    const [code] = (await once(child, 'close')) as [number];
    expect({ code, complaint }).toEqual({ code: 0, complaint: '' });
  });
});

describe('serve --print-config', () => {
  const printed = async (args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    const { stdout } = await runCli(['serve', '--print-config', '--json', ...args], env);
    return JSON.parse(stdout) as { setting: string; value: string; source: string; default: string; bounds: string }[];
  };

  it('tells the value, source, default and bounds of a setting, and the flag wins over the variable', async () => {
    const rows = await printed(['--claim-ms', '20s'], { MAYFLY_CLAIM_MS: '30s', MAYFLY_DATA_DIR: '/srv/data' });
    expect(rows.find((row) => row.setting === 'claim-ms')).toMatchObject({ value: '20s', source: '--claim-ms', default: '15s', bounds: '40ms to 1h' });
    expect(rows.find((row) => row.setting === 'data-dir')).toMatchObject({ value: '/srv/data', source: 'MAYFLY_DATA_DIR' });
  });

  it('never shows a token', async () => {
    const { stdout } = await runCli(['serve', '--print-config'], { MAYFLY_TOKENS: '{"s3cret-token-0123456789":"acme"}' });
    expect(stdout).toContain('1 hidden');
    expect(stdout).not.toContain('s3cret');
  });
});
