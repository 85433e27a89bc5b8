import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ServedNode } from '../e2e/served-node.ts';
import { exampleOf, runScript, runShell } from './examples.ts';
import { read } from './project-files.ts';

describe('the examples of the documents', () => {
  let dataDir: string;
  let node: ServedNode;

  beforeAll(async () => {
    dataDir = await mkdtemp(path.join(tmpdir(), 'mayfly-documents-'));
    node = await ServedNode.start(dataDir);
  });

  afterAll(async () => {
    await node.end('SIGTERM');
    await rm(dataDir, { recursive: true, force: true });
  });

  it.each(['README.md', 'docs/library.md'])('of %s in JavaScript run and print what they say', async (page) => {
    const example = exampleOf(page, 'js');
    expect(example.promised.length).toBeGreaterThan(1);
    const { broken, text } = await runScript(example);
    expect(broken, text).toEqual([]);
  });

  it.each(['README.md', 'docs/http.md', 'docs/audit.md'])('of %s in the shell run and print what they say', async (page) => {
    const example = exampleOf(page, 'sh');
    expect(example.promised.length).toBeGreaterThan(3);
    const { broken, text } = await runShell(example, node.url);
    expect(broken, text).toEqual([]);
  });

  it('are noticed when they promise what is not printed', async () => {
    const { broken } = await runScript({ page: 'broken.md', program: 'console.log(1); // → 2', promised: ['2'] });
    expect(broken).toEqual(['2']);
  });

  it('cover every call that the node describes', async () => {
    const answer = await fetch(`${node.url}/openapi.json`);
    const { paths } = (await answer.json()) as { paths: Record<string, Record<string, unknown>> };
    const page = read('docs/http.md');
    const calls = Object.entries(paths).flatMap(([at, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${at}`));
    expect(calls.length).toBeGreaterThan(15);
    expect(calls.filter((call) => !page.includes(`\`${call}\``) && !page.includes(`\`${call}?`))).toEqual([]);
  });
});
