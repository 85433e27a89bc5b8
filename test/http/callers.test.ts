import { SignJWT, exportJWK, exportSPKI, generateKeyPair } from 'jose';
import { describe, expect, test } from 'vitest';
import { assertSafeBinding, createAuthenticator } from '../../src/http/authentication.ts';
import { json, started } from './started-server.ts';

const tokens = {
  tokens: [
    { token: 'acme-token', tenant: 'acme' },
    { token: 'root', operator: true },
  ],
};
const bearer = (token: string, tenant?: string): RequestInit => ({
  headers: { authorization: `Bearer ${token}`, ...(tenant === undefined ? {} : { 'mayfly-tenant': tenant }) },
});

describe('tokens', () => {
  test.each([
    ['no token', {}, 401],
    ['a wrong token', bearer('acme-tokeN'), 401],
    ['a tenant token', bearer('acme-token'), 200],
    ['a tenant token naming its tenant', bearer('acme-token', 'acme'), 200],
    ['a tenant token naming another', bearer('acme-token', 'other'), 403],
    ['an operator naming no tenant', bearer('root'), 400],
    ['an operator naming any tenant', bearer('root', 'other'), 200],
  ])('%s', async (_name, init, status) => {
    const { server } = await started({ tokens });
    expect((await fetch(`${server.url}/v1/sessions`, init)).status).toBe(status);
  });

  test('the node is open for probes and tells operators alone of itself', async () => {
    const { server } = await started({ tokens });
    for (const path of ['/healthz', '/readyz', '/openapi.json']) expect((await fetch(server.url + path)).status).toBe(200);
    for (const path of ['/metrics', '/v1/cluster']) {
      const statuses = await Promise.all([{}, bearer('acme-token'), bearer('root')].map(async (init) => (await fetch(server.url + path, init)).status));
      expect(statuses).toEqual([401, 403, 200]);
    }
  });

  test.each(['RS256', 'PS384', 'ES256', 'EdDSA'])('JWTs signed by %s count when in time and mapped', async (alg) => {
    const { publicKey, privateKey } = await generateKeyPair(alg);
    const keys = { keys: [{ ...(await exportJWK(publicKey)), alg, kid: 'k' }] };
    const { caller } = await createAuthenticator({ jwt: { keys, tenantClaim: 'org' } });
    const sign = (claims: Record<string, unknown>, expires: string | undefined = '1h') => {
      const jwt = new SignJWT(claims).setProtectedHeader({ alg, kid: 'k' });
      return (expires === 'never' ? jwt : jwt.setExpirationTime(expires)).sign(privateKey);
    };
    expect(await caller(`Bearer ${await sign({ org: 'acme' })}`)).toEqual({ operator: false, tenant: 'acme' });
    expect(await caller(`Bearer ${await sign({ role: ['operator'] })}`)).toEqual({ operator: true });
    for (const bad of [
      await sign({ org: 'acme' }, '-1h'),
      await sign({ org: 'acme' }, 'never'),
      await sign({ nobody: 1 }),
      `${await sign({ org: 'acme' })}x`,
    ]) {
      await expect(caller(`Bearer ${bad}`)).rejects.toMatchObject({ code: 'unauthorized' });
    }
  });

  test('JWTs of a shared secret count by its own algorithm alone, and no public key is taken for a secret', async () => {
    const secret = Buffer.alloc(64, 7);
    const { publicKey } = await generateKeyPair('RS256', { extractable: true });
    const keys = {
      keys: [
        { kty: 'oct', kid: 's', k: secret.toString('base64url') },
        { ...(await exportJWK(publicKey)), kid: 'p' },
      ],
    };
    const { caller } = await createAuthenticator({ jwt: { keys } });
    const sign = (alg: string, bytes: Uint8Array, kid?: string) =>
      new SignJWT({ tenant: 'acme' })
        .setProtectedHeader({ alg, ...(kid === undefined ? {} : { kid }) })
        .setExpirationTime('1h')
        .sign(bytes);
    for (const good of [await sign('HS256', secret, 's'), await sign('HS256', secret)]) {
      expect(await caller(`Bearer ${good}`)).toMatchObject({ tenant: 'acme' });
    }
    const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from('{"tenant":"acme","exp":9999999999}').toString('base64url')}.`;
    const confused = await sign('HS256', Buffer.from(await exportSPKI(publicKey)), 'p');
    for (const bad of [await sign('HS512', secret, 's'), await sign('HS256', Buffer.alloc(64, 8), 's'), await sign('HS256', secret, 'other'), confused, none]) {
      await expect(caller(`Bearer ${bad}`)).rejects.toMatchObject({ code: 'unauthorized' });
    }
    for (const weak of [
      { kty: 'oct', k: 'c2hvcnQ' },
      { kty: 'oct', alg: 'A256GCM', k: secret.toString('base64url') },
    ]) {
      await expect(createAuthenticator({ jwt: { keys: { keys: [weak] } } })).rejects.toMatchObject({ code: 'invalid_request', field: 'jwt_keys' });
    }
  });

  test('JWTs name the issuer and the audience where one is asked for', async () => {
    const secret = Buffer.alloc(32, 7);
    const keys = { keys: [{ kty: 'oct', k: secret.toString('base64url') }] };
    const { caller } = await createAuthenticator({ jwt: { keys, issuer: 'us', audience: 'mayfly' } });
    const sign = (issuer: string, audience: string) =>
      new SignJWT({ tenant: 'acme' }).setProtectedHeader({ alg: 'HS256' }).setExpirationTime('1h').setIssuer(issuer).setAudience(audience).sign(secret);
    expect(await caller(`bearer ${await sign('us', 'mayfly')}`)).toMatchObject({ tenant: 'acme' });
    for (const bad of [await sign('them', 'mayfly'), await sign('us', 'others')]) {
      await expect(caller(`Bearer ${bad}`)).rejects.toMatchObject({ code: 'unauthorized' });
    }
  });

  test('an address beyond loopback needs them, or an explicit yes', async () => {
    for (const host of ['127.0.0.1', '127.9.9.9', 'localhost', '::1']) assertSafeBinding(host, false, false);
    for (const host of ['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.evil.example', '']) {
      expect(() => assertSafeBinding(host, false, false)).toThrow(/--insecure/);
      assertSafeBinding(host, true, false);
      assertSafeBinding(host, false, true);
    }
  });
});

describe('idempotency keys', () => {
  const key = { 'idempotency-key': 'k1' };

  test('same key and body: same answer, done once; also while the first still runs', async () => {
    const { call, memory } = await started();
    let release = (): void => undefined;
    memory.gate = new Promise((resolve) => (release = resolve));
    const answers = Array.from({ length: 8 }, () => call('/v1/sessions', json({ labels: { a: 'b' } }, key)));
    await expect.poll(() => memory.runs.length).toBe(1);
    release();
    const texts = await Promise.all(answers.map(async (answer) => (await answer).text()));
    expect(new Set(texts).size).toBe(1);
    const again = await call('/v1/sessions', json({ labels: { a: 'b' } }, key));
    expect([again.status, again.headers.get('mayfly-node'), await again.text()]).toEqual([201, 'n1', texts[0]]);
    expect(memory.runs).toEqual(['open']);
  });

  test('another body, or another call, is a mismatch; another tenant is nobody’s business', async () => {
    const { call } = await started();
    await call('/v1/sessions', json({}, key));
    const other = await call('/v1/sessions', json({ timeout_ms: 5 }, key));
    expect([other.status, await other.json()]).toMatchObject([422, { code: 'idempotency_mismatch' }]);
    const elsewhere = await call('/v1/sessions/x/touch', json({}, key));
    expect(elsewhere.status).toBe(422);
    expect((await call('/v1/sessions', json({}, { ...key, 'mayfly-tenant': 'other' }))).status).toBe(201);
  });

  test('a failure that may be retried is run again; one that may not is answered again', async () => {
    const { call, open, memory } = await started();
    const sql = `/v1/sessions/${await open()}/sql`;
    for (const expected of [1, 2]) {
      await call(sql, json({ query: 'fail unavailable' }, key));
      expect(memory.runs.filter((run) => run === 'fail unavailable')).toHaveLength(expected);
    }
    const first = await (await call(sql, json({ query: 'fail query_error' }, { 'idempotency-key': 'k2' }))).text();
    expect(await (await call(sql, json({ query: 'fail query_error' }, { 'idempotency-key': 'k2' }))).text()).toBe(first);
    expect(memory.runs.filter((run) => run === 'fail query_error')).toHaveLength(1);
  });

  test('an insert is done once, and its repeat is compared by the whole body', async () => {
    const { call, open, memory } = await started();
    const session = `/v1/sessions/${await open()}`;
    const arrow = { ...key, 'content-type': 'application/vnd.apache.arrow.stream' };
    await call(`${session}/tables/t`, { method: 'PUT', body: '', headers: { 'content-type': arrow['content-type'] } });
    const insert = (body: Uint8Array) => call(`${session}/tables/t/rows`, { method: 'POST', body, headers: arrow } as RequestInit);
    const rows = new Uint8Array(300_000);
    expect(await (await insert(rows)).json()).toEqual({ rows: 300_000 });
    expect(await (await insert(rows)).json()).toEqual({ rows: 300_000 });
    rows[299_999] = 1;
    expect((await insert(rows)).status).toBe(422);
    expect(memory.runs.filter((run) => run === 'insert')).toHaveLength(1);
  });

  test('an answer too long to keep is given once, and its statement is not run twice', async () => {
    const { call, open, memory } = await started();
    const sql = `/v1/sessions/${await open()}/sql`;
    expect((await (await call(sql, json({ query: 'stream 4' }, key))).text()).length).toBe(4 * 64 * 1024);
    const again = await call(sql, json({ query: 'stream 4' }, key));
    expect([again.status, await again.json()]).toMatchObject([422, { code: 'idempotency_mismatch', answer_kept: false }]);
    expect(memory.runs).toEqual(['open', 'stream 4']);
  });

  test('are kept in bounded number', async () => {
    const { call, memory } = await started({ limits: { idempotencyKeysMax: 2 } });
    for (const each of ['a', 'b', 'c', 'a']) await call('/v1/sessions', json({}, { 'idempotency-key': each }));
    expect(memory.runs).toHaveLength(4);
  });
});
