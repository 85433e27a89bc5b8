import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parseSync } from 'oxc-parser';
import { describe, expect, it } from 'vitest';
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
});
