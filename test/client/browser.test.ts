import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parseSync } from 'oxc-parser';
import { describe, expect, it } from 'vitest';
import { openPage, startChromium } from '../browser/chromium.ts';
import type { Seen } from '../browser/chromium.ts';
import { servePage } from '../browser/page-server.ts';
import { ServedNode } from '../e2e/served-node.ts';
import { remote } from './served.ts';

const root = path.resolve(import.meta.dirname, '../..');

/** Every module reached from the entry, and every package. Type-only imports vanish in the build and do not count. */
function importsFrom(entry: string): { modules: Set<string>; packages: Set<string> } {
  const modules = new Set<string>();
  const packages = new Set<string>();
  const waiting = [path.join(root, entry)];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (modules.has(file)) continue;
    modules.add(file);
    const { module } = parseSync(file, readFileSync(file, 'utf8'));
    expect(module.dynamicImports).toEqual([]);
    const imported = module.staticImports.filter(({ entries }) => entries.length === 0 || entries.some(({ isType }) => !isType));
    const exported = module.staticExports.flatMap(({ entries }) => entries.filter(({ isType, moduleRequest }) => !isType && moduleRequest !== null));
    const specifiers = [...imported.map(({ moduleRequest }) => moduleRequest.value), ...exported.map(({ moduleRequest }) => moduleRequest?.value ?? '')];
    for (const specifier of specifiers) {
      if (specifier.startsWith('.')) waiting.push(path.resolve(path.dirname(file), specifier));
      else packages.add(specifier);
    }
  }
  return { modules, packages };
}

describe('mayfly/client in a browser', () => {
  it('reaches no module but its own, the domain’s and apache-arrow', () => {
    const { modules, packages } = importsFrom('src/client/index.ts');
    expect([...packages]).toEqual(['apache-arrow']);
    const folders = new Set([...modules].map((file) => path.relative(root, path.dirname(file))));
    expect([...folders].toSorted()).toEqual(['src/client', 'src/domain']);
    expect(modules.size).toBeGreaterThan(20);
  });

  it('works without Node’s globals', async () => {
    const served = await remote();
    try {
      const page = fileURLToPath(new URL('./browser-page.mjs', import.meta.url));
      const { stdout } = await promisify(execFile)(process.execPath, ['--no-warnings', '--experimental-vm-modules', page, served.url], { timeout: 20_000 });
      expect(JSON.parse(stdout)).toEqual({ seen: ['undefined', 'undefined', 'undefined'], rows: [{ n: 1, bytes: 'AQID' }], event: 'closed' });
    } finally {
      await served.stop();
    }
  });

  it('moves Arrow both ways from a page of another origin, in a real browser', async () => {
    const { outcome, seen, origins } = await exercised((page) => ['--cors-origin', page]);
    expect(outcome).toEqual({
      globals: ['undefined', 'undefined', 'undefined'],
      inserted: 50_000,
      columns: ['id: Int64', 'name: Utf8', 'share: Float64', 'made: Timestamp<MICROSECOND>'],
      rows: [
        ['0', null, 0, 0],
        ['7', 'größe 7', 1.75, 7_000],
      ],
      streamed: 50_000,
      totals: { total: '1249975000', named: 40_000 },
      refused: 'duplicate_table',
      late: 'closed',
      record: { event: 'closed', rows: 50_000, proof: 'dropped' },
      followed: 'closed',
    });
    expect(new Set(seen.requests.map((url) => new URL(url).origin))).toEqual(new Set(origins));
    expect(seen.troubles.filter((trouble) => !/status of (409|410)|favicon/.test(trouble))).toEqual([]);
  });

  it('is kept out of a node that was not told of the page’s origin', async () => {
    expect((await exercised(() => [])).outcome).toEqual({ code: 'unavailable' });
  });
});

/** Serves a page, starts a node with the flags that `flagsFor` gives for the page's origin, and lets the page exercise the client on it. */
async function exercised(flagsFor: (origin: string) => readonly string[]): Promise<{ outcome: unknown; seen: Seen; origins: readonly string[] }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'mayfly-page-'));
  const [served, browser] = await Promise.all([servePage('/test/client/arrow-page.mjs'), startChromium()]);
  const node = await ServedNode.start(folder, '--drain-ms', '1', ...flagsFor(served.url));
  try {
    const { page, seen } = await openPage(browser);
    await page.goto(served.url);
    await page.waitForFunction('globalThis.exercise');
    const outcome = await page.evaluate(`exercise(${JSON.stringify(node.url)}).catch(({ code, message }) => ({ code: code ?? message }))`);
    return { outcome, seen, origins: [served.url, node.url] };
  } finally {
    await browser.close();
    await Promise.all([node.end('SIGTERM'), served.stop()]);
    await rm(folder, { recursive: true, force: true });
  }
}
