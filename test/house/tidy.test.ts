import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { projectFiles, read } from './project-files.ts';

/** Longest file, in lines: one concept each. */
const LINES_MAX = 350;
const IS_CODE = /\.(ts|mjs|js|lua)$/;

// This file names what it looks for.
const files = projectFiles().filter((name) => name !== 'test/house/tidy.test.ts');
const code = files.filter((name) => IS_CODE.test(name));
const shipped = code.filter((name) => !name.startsWith('test/'));
const texts = files.filter((name) => /\.(ts|mjs|js|lua|json|md|yaml|yml)$|^\.ci\/run$|^\.npmrc$/.test(name));

/** Where `pattern` stands in `names`, as `file:line`. */
function found(names: readonly string[], pattern: RegExp): readonly string[] {
  return names.flatMap((name) =>
    read(name)
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${name}:${index + 1}: ${line.trim().slice(0, 100)}`] : [])),
  );
}

const UNFINISHED = /\b(TODO|FIXME|XXX|HACK)\b/;
const NOT_RUN = /\b(it|test|describe)(\.\w+|\([^)]*\))*\.(skip|todo|only|skipIf|runIf|fails)\b/;
const HOME = /\/(home|root|Users)\/[a-z]/;
const LONG_SLEEP = /setTimeout\([^,]*, *[1-9][\d_]{3,}\)|sleep\( *[1-9][\d_]{3,} *\)/;

describe('the house', () => {
  it('is looked at as a whole', () => {
    expect(shipped.length).toBeGreaterThan(60);
    expect(code.length - shipped.length).toBeGreaterThan(10);
  });

  it('has no file that holds more than one concept’s worth of lines', () => {
    const long = shipped.map((name) => [name, read(name).split('\n').length - 1] as const).filter(([, lines]) => lines > LINES_MAX);
    expect(long).toEqual([]);
  });

  it('names modules after what they hold', () => {
    expect(code.filter((name) => /(^|[/-])(utils?|helpers?|common|misc|shared)([/.-]|$)/.test(name))).toEqual([]);
    expect(code.filter((name) => !/^[a-z0-9.-]+$/.test(path.basename(name)))).toEqual([]);
  });

  it('leaves nothing unfinished', () => {
    expect(found(texts, UNFINISHED)).toEqual([]);
  });

  it('runs every test it has', () => {
    expect(found(code, NOT_RUN)).toEqual([]);
  });

  it('waits for conditions in tests, not for time', () => {
    expect(
      found(
        code.filter((name) => name.startsWith('test/')),
        LONG_SLEEP,
      ),
    ).toEqual([]);
  });

  it('knows no machine but the one it runs on', () => {
    expect(found(texts, HOME)).toEqual([]);
    expect(found(['package-lock.json'], /"resolved": "https?:/)).toEqual([]);
  });

  it('finds each of these where it is planted', () => {
    expect(UNFINISHED.test('// TODO: later')).toBe(true);
    expect(NOT_RUN.test("it.skip('x', f)")).toBe(true);
    expect(NOT_RUN.test("describe.each(cases).only('x', f)")).toBe(true);
    expect(HOME.test('/home/somebody')).toBe(true);
    expect(LONG_SLEEP.test('setTimeout(resolve, 2000)')).toBe(true);
    expect(LONG_SLEEP.test('setTimeout(resolve, 1_500)')).toBe(true);
    expect(LONG_SLEEP.test('setTimeout(resolve, 20)')).toBe(false);
  });
});

describe('package.json', () => {
  const manifest = JSON.parse(read('package.json')) as {
    readonly dependencies: Readonly<Record<string, string>>;
    readonly devDependencies: Readonly<Record<string, string>>;
    readonly scripts: Readonly<Record<string, string>>;
    readonly engines: { readonly node: string };
    readonly files: readonly string[];
  };

  it('pins every dependency exactly: a prerelease of DuckDB would not float, and nothing else should', () => {
    const ranges = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies }).filter(
      ([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version),
    );
    expect(ranges).toEqual([]);
    expect(manifest.dependencies['@duckdb/node-api']).toMatch(/^\d+\.\d+\.\d+-r\.\d+$/);
  });

  it('needs no install script but those of packages that are not used by the program', () => {
    const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, { hasInstallScript?: true; dev?: true; optional?: true }> };
    const scripted = Object.entries(packages).filter(([, entry]) => entry.hasInstallScript === true && entry.dev !== true && entry.optional !== true);
    expect(scripted.map(([name]) => name)).toEqual([]);
  });

  it('runs the README’s test command in CI, and that alone', () => {
    const commands = read('.ci/run')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#') && !/^(set|cd) /.test(line));
    expect(commands).toEqual(['npm install && npm test']);
    expect(read('README.md')).toContain(`\`\`\`sh\n${commands[0]}\n\`\`\``);
  });

  it('has every script that the documents name', () => {
    const documents = files.filter((name) => name.endsWith('.md'));
    const named = new Set(documents.flatMap((name) => [...read(name).matchAll(/npm run ([\w:]+)/g)].map((match) => match[1] ?? '')));
    expect(named.size).toBeGreaterThan(4);
    expect([...named].filter((name) => !Object.hasOwn(manifest.scripts, name))).toEqual([]);
    expect(Object.keys(manifest.scripts)).toEqual(expect.arrayContaining(['build', 'start', 'demo', 'test', 'verify']));
  });

  it('ships every page that a shipped page leads to', () => {
    for (const name of ['README.md', 'ARCHITECTURE.md', 'CHANGELOG.md', 'LICENSE', 'docs', 'dist']) expect(manifest.files).toContain(name);
  });
});
