import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { AREAS, EXCEPTIONS, importsOf, judge, judgeProject, modulesOf } from './import-rules.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');

const judged = (from: string, source: string): readonly string[] =>
  judge(new Map([[from, source]]))
    .findings.filter((finding) => finding.why !== 'is an exception that no module needs')
    .map((finding) => finding.specifier);

describe('the import rules', () => {
  it('hold for every module of the house', () => {
    const report = judgeProject(ROOT);
    expect(report.modules).toBeGreaterThan(50);
    expect(report.findings).toEqual([]);
  });

  it('see every part of the house', () => {
    const modules = modulesOf(ROOT);
    for (const at of [
      'src/domain/',
      'src/ports/',
      'machines/',
      'actors/',
      'src/embedded/',
      'src/duckdb/',
      'src/worker/',
      'src/http/',
      'src/client/',
      'src/cli/',
      'src/console/',
      'examples/',
    ]) {
      expect(
        modules.some((name) => name.startsWith(at)),
        at,
      ).toBe(true);
    }
  });

  it.each([
    ['machines/bad.ts', `import { readFileSync } from 'node:fs';`],
    ['machines/bad.ts', `import type { Clock } from '../src/ports/clock.ts';`],
    ['src/domain/bad.ts', `export { x } from '../ports/clock.ts';`],
    ['src/domain/bad.ts', `const x: import('xstate').AnyActor = y;`],
    ['src/ports/bad.ts', `import { Redis } from 'ioredis';`],
    ['src/http/routes/bad.ts', `import { DuckDBInstance } from '@duckdb/node-api';`],
    ['src/embedded/bad.ts', `import { x } from '../duckdb/table-engine.ts';`],
    ['src/client/deep/bad.ts', `export const fs = await import('node:fs');`],
    ['src/client/bad.ts', `import { x } from '../mayfly.ts';`],
    ['src/worker/bad.ts', `import { connect } from 'nats/lib/x.js';`],
    ['src/cli/bad.ts', 'await import(`./${name}.ts`);'],
    ['src/console/bad.ts', `import { connect } from '../client/connect.ts';`],
    ['src/console/bad.ts', `import { x } from 'apache-arrow';`],
    ['src/nowhere/bad.ts', `import { x } from '../domain/ids.ts';`],
  ])('find what is planted in %s: %s', (from, source) => {
    expect(judged(from, source)).toHaveLength(1);
  });

  it('let pass what the table allows', () => {
    expect(judged('src/duckdb/good.ts', `import { DuckDBInstance } from '@duckdb/node-api'; import { x } from '../domain/ids.ts'; import 'node:fs';`)).toEqual(
      [],
    );
    expect(judged('actors/good.ts', `import { createActor } from 'xstate'; import { m } from '../machines/m.ts'; import { c } from './c.ts';`)).toEqual([]);
  });

  it('read every way a module can be named', () => {
    const source = `import a from 'a'; import type { B } from 'b'; export * from 'c'; export { d } from 'd'; await import('e'); let f: import('f').F; import 'g';`;
    expect(importsOf('x.ts', source).map(({ specifier }) => specifier)).toEqual(['a', 'b', 'g', 'c', 'd', 'e', 'f']);
  });

  it('keep each vendor under one folder', () => {
    for (const vendor of ['ioredis', 'redlock', 'nats', '@duckdb/node-api', 'fastify', 'pino', 'commander']) {
      expect(
        AREAS.filter(({ packages }) => packages.includes(vendor)),
        vendor,
      ).toHaveLength(1);
    }
  });

  it('keep the client free of Node and of everything that needs it', () => {
    const client = AREAS.find(({ at }) => at === 'src/client/');
    expect(client?.node).toBe(false);
    expect(client?.areas).toEqual(['src/domain/']);
    expect(AREAS.find(({ at }) => at === 'src/domain/')).toMatchObject({ node: false, areas: [], packages: [] });
  });

  it('allow each exception for a reason', () => {
    for (const exception of EXCEPTIONS) expect(exception.reason.length, exception.from).toBeGreaterThan(20);
  });
});
