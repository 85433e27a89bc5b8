import { beforeAll, describe, expect, it } from 'vitest';
import { isLeftOut, readIgnoreRules } from '../../tools/build-context.mjs';
import { readDockerfile } from '../../tools/dockerfile-reader.mjs';
import { rehearseImage } from '../../tools/rehearse-image.mjs';
import type { Rehearsal } from '../../tools/rehearse-image.mjs';
import { ROOT, read } from '../house/project-files.ts';

/** It installs the project's packages once; in ms. */
const REHEARSAL_MAX_MS = 180_000;

describe('the image, rehearsed on a clean copy without a container engine', () => {
  let seen: Rehearsal;

  beforeAll(async () => {
    seen = await rehearseImage(ROOT, () => undefined);
  }, REHEARSAL_MAX_MS);

  it('is built from sources alone: no secret, no data, no test', () => {
    const folders = new Set(seen.files.map((name) => name.split('/')[0]));
    expect(folders).toEqual(
      new Set(['.npmrc', 'LICENSE', 'actors', 'machines', 'package-lock.json', 'package.json', 'src', 'tools', 'tsconfig.build.json', 'tsconfig.json']),
    );
    expect(seen.files).toContain('src/cli/main.ts');
  });

  it('holds the program and what it needs to run, and stays small', () => {
    expect(seen.held).toEqual(['app', 'data']);
    expect(seen.packages).toEqual(expect.arrayContaining(['@duckdb', 'fastify', 'ioredis', 'nats', 'redlock']));
    expect(seen.packages.filter((name) => ['typescript', 'vitest', 'oxlint'].includes(name))).toEqual([]);
    expect(seen.bytes).toBeLessThan(160e6);
  });

  it('refuses to listen for everybody before it was given tokens', () => {
    expect(seen.unguarded.code).toBe(2);
    expect(seen.unguarded.output).toContain('no tokens are configured');
  });

  it('runs as an unprivileged user, who owns the data folder', () => {
    expect(seen.uid).toBeGreaterThan(0);
    const isRoot = process.getuid?.() === 0;
    if (seen.user !== undefined) expect(seen.user).toBe(isRoot ? seen.uid : process.getuid?.());
    expect(seen.volumeOwners).toEqual({ '/data': isRoot ? seen.uid : process.getuid?.() });
  });

  it('carries a session from its first call to its record', () => {
    expect(seen.record).toMatchObject({ sum: 499_500, event: 'closed', deleted_row_count: 1_000, details: { proof: 'dropped' } });
  });

  it('is healthy while it serves, and not once it is gone', () => {
    expect([seen.healthyWhileUp, seen.healthyAfterwards]).toEqual([true, false]);
  });

  it('ends with 0 on SIGTERM', () => {
    expect(seen.exitCode, seen.output).toBe(0);
  });
});

describe('the Dockerfile', () => {
  const stages = readDockerfile(read('Dockerfile'));

  it('names its base by its exact version, the same one for each stage', () => {
    const bases = new Set(stages.map(({ image }) => image));
    expect([...bases]).toEqual([expect.stringMatching(/^node:\d+\.\d+\.\d+-bookworm-slim$/)]);
  });

  it('is read strictly: what the rehearsal would pass over is refused', () => {
    const refused = (text: string) => () => readDockerfile(`FROM node:22 AS build\n${text}\n`);
    expect(refused('ADD a b')).toThrow('Dockerfile:2: ADD is not an instruction');
    expect(refused('COPY --link a b')).toThrow('--link');
    expect(refused('COPY src/* src/')).toThrow('one by one');
    expect(refused('RUN mkdir /etc/mayfly')).toThrow('/etc/mayfly');
    expect(refused('USER node')).toThrow('in numbers');
    expect(refused('CMD mayfly serve')).toThrow('JSON array');
    expect(refused('ENV A')).toThrow('<key>=<value>');
    expect(() => readDockerfile('RUN true')).toThrow('before FROM');
  });

  it('is read as engines read it: comments, case and lines that go on', () => {
    const [stage] = readDockerfile('# first\nfrom node:22 as build\nrun one \\\n  # between\n  && two\n');
    expect(stage).toEqual({ image: 'node:22', name: 'build', steps: [{ instruction: 'RUN', line: 3, command: 'one && two' }] });
  });
});

describe('.dockerignore', () => {
  const leftOut = (source: string, name: string) => isLeftOut(name, readIgnoreRules(source));

  it('is read as engines read it: the last rule that matches a path or a folder above it decides', () => {
    expect(leftOut('*\n!src', 'src/a/b.ts')).toBe(false);
    expect(leftOut('*\n!src', 'test/b.ts')).toBe(true);
    expect(leftOut('*\n!src\nsrc/secret', 'src/secret/key')).toBe(true);
    expect(leftOut('**/*.log', 'a/b/c.log')).toBe(true);
    expect(leftOut('*.log', 'a/c.log')).toBe(false);
    expect(leftOut('a?c', 'abc')).toBe(true);
  });
});
