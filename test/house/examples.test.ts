import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ServedNode } from '../e2e/served-node.ts';
import { pagesWith } from './document-blocks.ts';
import { exampleOf, runScript, runShell, textsOf } from './examples.ts';
import { read } from './project-files.ts';

let dataDir: string;
let node: ServedNode;

beforeAll(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), 'mayfly-documents-'));
  node = await ServedNode.start(path.join(dataDir, 'node'));
});

afterAll(async () => {
  await node.end('SIGTERM');
  await rm(dataDir, { recursive: true, force: true });
});

/** The answer to one call of the node for the tenant of the documents, as it is. */
async function call(method: string, at: string, body?: object): Promise<Record<string, unknown>> {
  const headers = { 'Mayfly-Tenant': 'acme', ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) };
  const answer = await fetch(`${node.url}/v1${at}`, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  return (await answer.json()) as Record<string, unknown>;
}

/** The one block of JSON on a page. */
function jsonOf(page: string): Record<string, unknown> {
  const [text = '', ...others] = textsOf(page, 'json');
  expect(others).toEqual([]);
  return JSON.parse(text) as Record<string, unknown>;
}

describe('the examples of the documents', () => {
  it('are on the pages that show most', () => {
    expect(pagesWith('js runnable')).toEqual(expect.arrayContaining(['README.md', 'docs/library.md']));
    expect(pagesWith('sh runnable')).toEqual(expect.arrayContaining(['README.md', 'docs/audit.md', 'docs/http.md']));
  });

  it.each(pagesWith('js runnable'))('of %s in JavaScript run and print what they say', async (page) => {
    const example = exampleOf(page, 'js');
    expect(example.promised.length).toBeGreaterThan(1);
    const { broken, text } = await runScript(example);
    expect(broken, text).toEqual([]);
  });

  it.each(pagesWith('sh runnable'))('of %s in the shell run and print what they say', async (page) => {
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
    expect(calls.filter((name) => !page.includes(`\`${name}\``) && !page.includes(`\`${name}?`))).toEqual([]);
  });
});

describe('what the documents show', () => {
  it('of an error and of a record is what the node answers, but for ids and times', async () => {
    const { session_id } = await call('POST', '/sessions', {});
    const error = jsonOf('docs/errors.md');
    const problem = await call('PUT', `/sessions/${session_id}/tables/${error['name']}`, { query: 'SELECT 1' });
    expect({ ...problem, instance: error['instance'] }).toEqual(error);

    await call('PUT', `/sessions/${session_id}/tables/one`, { query: 'FROM range(1)' });
    await call('PUT', `/sessions/${session_id}/tables/two`, { query: 'FROM range(2)' });
    const shown = jsonOf('docs/audit.md');
    const record = await call('DELETE', `/sessions/${session_id}`);
    expect({ ...record, session_id: shown['session_id'], occurred_at: shown['occurred_at'] }).toEqual(shown);
  });

  it('of exported records reads them, and finds the session that has not ended', async () => {
    const { session_id } = await call('POST', '/sessions', {});
    await runShell(exampleOf('docs/audit.md', 'sh'), node.url, async (cwd) => {
      const [query = ''] = textsOf('docs/audit.md', 'sql');
      const instance = await DuckDBInstance.create(':memory:');
      const connection = await instance.connect();
      const reader = await connection.runAndReadAll(query.replace("'records-", `'${cwd}/records-`));
      expect(reader.getRowObjectsJson()).toEqual([{ session_id }]);
      connection.closeSync();
      instance.closeSync();
    });
    await call('DELETE', `/sessions/${session_id}`);
  });

  it('of tokens is taken by a node as it stands, and lets their tenants in', async () => {
    const tokens = jsonOf('docs/configuration.md');
    const file = path.join(dataDir, 'tokens.json');
    await writeFile(file, JSON.stringify(tokens));
    const guarded = await ServedNode.start(path.join(dataDir, 'guarded'), '--tokens', file);
    try {
      const [program = ''] = textsOf('docs/deploy.md', 'sh token');
      for (const [token, who] of Object.entries(tokens)) {
        const { text } = await runShell({ page: '', program: `token=${token}\n${program}`, promised: [] }, guarded.url);
        expect(JSON.parse(text)).toMatchObject(typeof who === 'string' ? { tenant_id: who, state: 'active' } : { code: 'no_tenant_binding' });
      }
    } finally {
      await guarded.end('SIGTERM');
    }
  });
});
