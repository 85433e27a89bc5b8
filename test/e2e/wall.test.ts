import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HOSTILE_STATEMENTS } from '../wall/hostile-statements.ts';
import { USEFUL_STATEMENTS, USEFUL_TABLES } from '../wall/useful-statements.ts';
import { DEPLOYMENTS } from './deployments.ts';
import type { Deployment } from './deployments.ts';

const JSON_BODY = { 'content-type': 'application/json', 'mayfly-tenant': 'acme' };

/** Both sides of the wall, as a program without any library of ours meets it. */
describe.each(Object.keys(DEPLOYMENTS))('the wall, over HTTP, on %s', (nodes) => {
  let folder: string;
  let deployment: Deployment;
  let session: string;

  const send = (method: string, path: string, body?: object) =>
    fetch(`${deployment.next()}${path}`, { method, headers: JSON_BODY, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  const ask = (query: string, table?: string) => send('POST', `/v1/sessions/${session}/sql`, { query, ...(table === undefined ? {} : { table }) });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mayfly-wall-'));
    deployment = await DEPLOYMENTS[nodes]!(folder, '--drain-ms', '0');
    const opened = (await (await send('POST', '/v1/sessions', {})).json()) as { session_id: string };
    session = opened.session_id;
    for (const { name, query } of USEFUL_TABLES) {
      const made = await send('PUT', `/v1/sessions/${session}/tables/${name}`, { query });
      expect([name, made.status]).toEqual([name, 201]);
    }
  });

  afterAll(async () => {
    expect(new Set(await deployment.stop())).toEqual(new Set([0]));
    await rm(folder, { recursive: true });
  });

  it('I7: answers every hostile statement with a refusal, and the session lives on', async () => {
    expect(HOSTILE_STATEMENTS.length).toBeGreaterThanOrEqual(60);
    for (const { sql, table } of HOSTILE_STATEMENTS) {
      const answer = await ask(sql, table);
      const problem = (await answer.json()) as { code?: string };
      const refusals = sql.includes('{nope}') ? /^unknown_table$/ : /^(statement_not_allowed|query_error|invalid_request)$/;
      expect([sql, problem.code]).toEqual([sql, expect.stringMatching(refusals)]);
    }
    expect((await ask('SELECT 42 AS answer')).status).toBe(200);
  });

  it('lets every useful statement through', async () => {
    expect(USEFUL_STATEMENTS.length).toBeGreaterThanOrEqual(60);
    for (const { name, sql, table } of USEFUL_STATEMENTS) {
      const answer = await ask(sql, table);
      expect([name, answer.status, answer.status === 200 ? '' : await answer.text()]).toEqual([name, 200, '']);
      await answer.body?.cancel();
    }
  });
});
