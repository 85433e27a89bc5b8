import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SessionView } from '../../src/domain/gateway.ts';
import { openPage, startChromium } from '../browser/chromium.ts';
import type { Seen } from '../browser/chromium.ts';
import { ServedNode } from '../e2e/served-node.ts';

const HOSTILE = `<img src=x onerror="alert(1)"><script>alert(2)</script>'"&{{7*7}}\u202e`;

let folder: string;
let node: ServedNode;
let browser: Browser;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'mayfly-console-'));
  [node, browser] = await Promise.all([ServedNode.start(path.join(folder, 'data'), '--node-id', 'first', '--drain-ms', '1'), startChromium()]);
});

afterAll(async () => {
  await browser.close();
  await node.end('SIGTERM');
  await rm(folder, { recursive: true, force: true });
});

/** A call past the page, as another program of the tenant makes it. */
async function api<T>(tenant: string, method: string, at: string, body?: unknown): Promise<T> {
  const headers = { 'mayfly-tenant': tenant, ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
  const answer = await fetch(node.url + at, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  if (!answer.ok) throw new Error(await answer.text());
  return (await answer.json()) as T;
}

const open = (tenant: string, body: object = {}): Promise<SessionView> => api(tenant, 'POST', '/v1/sessions', body);

async function enter(tenant: string, options: Parameters<typeof openPage>[1] = {}): Promise<{ page: Page; seen: Seen }> {
  const opened = await openPage(browser, options);
  await opened.page.goto(`${node.url}/console`);
  await opened.page.getByLabel('Tenant').fill(tenant);
  await opened.page.getByRole('button', { name: 'Show sessions' }).click();
  await opened.page.locator('.stream[data-phase=live]').waitFor();
  return opened;
}

/** Nothing left the node's origin, and nothing went wrong but the refusals that were meant. */
function expectClean(seen: Seen, refused: readonly RegExp[] = []): void {
  expect(seen.requests.length).toBeGreaterThan(10);
  expect(seen.requests.filter((url) => !url.startsWith(`${node.url}/`))).toEqual([]);
  expect(seen.troubles.filter((trouble) => !refused.some((each) => each.test(trouble)))).toEqual([]);
}

describe('the console', () => {
  it('follows a session from its opening to its record', async () => {
    const { page, seen } = await enter('alpha');
    await page.getByText('No sessions here').waitFor();
    await page.getByRole('button', { name: 'Open session' }).click();
    await page.getByLabel('Ends after').fill('30m');
    await page.getByLabel('Labels').fill('user=42 task=demo');
    await page.getByRole('button', { name: 'Open', exact: true }).click();

    const chosen = page.locator('.sessions a[aria-current]');
    await expect.poll(() => chosen.textContent()).toMatch(/active.*(30 m|29 m \d+ s) left.*user42taskdemo/);
    const id = (await page.locator('.head .id').textContent()) ?? '';
    await page.locator('.feed .record[data-event=opened]', { hasText: id.slice(0, 8) }).waitFor();
    await page.locator('.chart g.state.present[data-state=active][aria-current]').waitFor();
    expect(await page.locator('.chart g.state.present').count()).toBe(1);

    // What another program does shows by itself.
    await api('alpha', 'PUT', `/v1/sessions/${id}/tables/cities`, {
      columns: [
        { name: 'id', type: 'BIGINT' },
        { name: 'name', type: 'VARCHAR' },
      ],
    });
    await api('alpha', 'POST', `/v1/sessions/${id}/tables/cities/rows`, [
      { id: 1, name: 'Oslo' },
      { id: 2, name: null },
    ]);
    await expect.poll(() => page.locator('.tables tbody tr').textContent()).toMatch(/cities.*__eph_[0-9a-f]{32}_cities"2Show rows/);
    await page.getByRole('button', { name: 'Show rows of cities' }).click();
    await expect.poll(() => page.locator('.result tbody').textContent()).toBe('1Oslo2NULL');
    expect(await page.locator('.result thead').textContent()).toBe('idBIGINTnameVARCHAR');

    await page.getByLabel('all states').check();
    await page.locator('.chart g.state.present[data-state=active]').waitFor();
    expect(await page.locator('.chart g.state[data-state="closing.deciding"]').count()).toBe(1);

    await page.getByRole('button', { name: 'Close session' }).click();
    const dialog = page.getByRole('dialog');
    expect(await dialog.textContent()).toContain('1 table with 2 rows');
    await dialog.getByRole('button', { name: 'Close session' }).click();
    await page.locator('.chart g.state.present[data-state=closed]').waitFor();
    const record = page.locator('.chain .card[data-event=closed]');
    await expect.poll(() => record.textContent()).toMatch(/reasonclose.*tables ever made1.*rows deleted2 rows, counted exactly.*proof.*receipt/s);
    await page.locator('.feed .record[data-event=closed]', { hasText: id.slice(0, 8) }).waitFor();
    expect(await page.locator('.sql').isHidden()).toBe(true);
    expectClean(seen);
  });

  it('shows answers of SQL whole, and refusals as what they are', async () => {
    const { session_id } = await open('beta');
    const { page, seen } = await enter('beta');
    await page.locator('.sessions a').click();
    const statement = page.getByLabel('Statement');
    const run = async (query: string): Promise<void> => {
      await statement.fill(query);
      await statement.press('Control+Enter');
    };
    await run('SELECT 9007199254740993 AS big, [1, NULL] AS list, true AS yes');
    await expect.poll(() => page.locator('.result tbody').textContent()).toBe('9007199254740993[1,null]true');
    await run('SELECT * FROM range(2500)');
    await expect.poll(() => page.locator('.result .status').textContent()).toMatch(/^2,500 rows · \d+ ms · the first 1,?000 are shown$/);
    await run(`COPY (SELECT 1) TO '/tmp/never'`);
    await expect.poll(() => page.locator('.answer .notice').textContent()).toMatch(/^statement_not_allowedCOPY is not allowed/);
    await run('SELECT nothing');
    await expect.poll(() => page.locator('.answer .notice code').textContent()).toBe('query_error');
    await run(`SELECT repeat('x', 1000) FROM range(20000)`);
    await expect.poll(() => page.locator('.answer .notice code').textContent()).toBe('answer_too_large');
    await run('SELECT count(*) FROM range(100000000) a, range(1000) b');
    await page.getByRole('button', { name: 'Stop' }).click();
    await expect.poll(() => page.locator('.answer').textContent()).toBe('Stopped');
    await run('SELECT 1 AS one');
    await expect.poll(() => page.locator('.result tbody').textContent()).toBe('1');
    expect(session_id).toMatch(/^[0-9a-f-]{36}$/);
    expectClean(seen, [/status of 40[03]/]);
  });

  it('shows what a tenant wrote as text, never as markup', async () => {
    const { session_id } = await open('gamma', { labels: { [HOSTILE.slice(0, 60)]: HOSTILE } });
    await api('gamma', 'PUT', `/v1/sessions/${session_id}/tables/t`, { columns: [{ name: HOSTILE, type: 'VARCHAR' }] });
    await api('gamma', 'POST', `/v1/sessions/${session_id}/tables/t/rows`, [{ [HOSTILE]: HOSTILE }]);
    const { page, seen } = await enter('gamma');
    await page.locator('.sessions a').click();
    expect(await page.locator('.head .labels b').textContent()).toBe(HOSTILE);
    expect(await page.locator('.sessions .labels b').textContent()).toBe(HOSTILE);
    await page.getByRole('button', { name: 'Show rows of t' }).click();
    expect(await page.locator('.result td').textContent()).toBe(HOSTILE);
    expect(await page.locator('.result th').textContent()).toContain(HOSTILE);
    await page.getByLabel('Statement').fill(`SELECT error('${HOSTILE.replaceAll(`'`, `''`)}')`);
    await page.getByRole('button', { name: 'Run' }).click();
    await page.locator('.answer .notice').waitFor();
    await page.goto(`${node.url}/console#/sessions/${encodeURIComponent(HOSTILE)}`);
    await page.locator('.head .notice[data-code=unknown_session]').waitFor();
    await page.goto(`${node.url}/console#/machines/${encodeURIComponent(HOSTILE)}`);
    await page.getByText('There is no machine of this name').waitFor();
    expect(await page.locator('img, script:not([src]), iframe').count()).toBe(0);
    expectClean(seen, [/status of 40[034]/]);
  });

  it('lets no script or markup in, and no call out, whatever tries', async () => {
    const { page, seen } = await enter('gamma');
    const { refused, violated } = await page.evaluate(async () => {
      const due = ['connect-src', 'img-src', 'style-src-attr'];
      const violations = new Promise<string[]>((resolve) => {
        const met = new Set<string>();
        document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) => {
          met.add(effectiveDirective);
          if (due.every((directive) => met.has(directive))) resolve([...met]);
        });
      });
      const attempts = [
        async () => void (document.body.innerHTML = '<b>markup</b>'),
        async () => document.createElement('script').setAttribute('src', 'x.js'),
        async () => document.body.setAttribute('onclick', 'alert(1)'),
        async () => void (await fetch('http://127.0.0.2:9/')),
      ];
      const outcomes = attempts.map((attempt) =>
        attempt().then(
          () => 'nothing',
          (error: Error) => error.name,
        ),
      );
      document.body.append(Object.assign(document.createElement('img'), { src: 'http://127.0.0.2:9/x.png' }));
      document.body.setAttribute('style', 'color: red');
      return { refused: await Promise.all(outcomes), violated: await violations };
    });
    expect(refused).toEqual(['TypeError', 'TypeError', 'TypeError', 'TypeError']);
    expect(violated).toContain('require-trusted-types-for');
    expect(seen.troubles.length).toBeGreaterThan(4);
    expect(seen.troubles.filter((trouble) => trouble.startsWith('dialog'))).toEqual([]);
  });

  it('shows a tenant nothing of another (I7), and forgets on leaving', async () => {
    const { session_id } = await open('delta', { labels: { secret: 'plan' } });
    const { page, seen } = await enter('epsilon');
    await page.getByText('No sessions here').waitFor();
    await page.getByText('No records yet').waitFor();
    await page.goto(`${node.url}/console#/sessions/${session_id}`);
    await page.locator('.head .notice[data-code=unknown_session]').waitFor();
    expect(await page.locator('body').textContent()).not.toMatch(/plan|delta/);
    expect(await page.locator('.stack .stack').isHidden()).toBe(true);
    await page.reload();
    await page.locator('.stream[data-phase=live]').waitFor();
    await page.getByRole('button', { name: 'Leave' }).click();
    expect(await page.evaluate(() => [sessionStorage.length, localStorage.length, document.cookie])).toEqual([0, 0, '']);
    await page.reload();
    await page.getByLabel('Tenant').waitFor();
    expectClean(seen, [/status of 404/]);
  });

  it.each(['session', 'lease', 'scanner', 'worker', 'node'])('draws the machine %s, and tells it as a table', async (name) => {
    const { page, seen } = await enter('zeta');
    await page.getByRole('link', { name: 'Machines' }).click();
    await page.getByRole('navigation', { name: 'Machines' }).getByRole('link', { name, exact: true }).click();
    await page.getByRole('img', { name: `The ${name} machine` }).waitFor();
    const states = await page.locator('.chart g.state').count();
    expect(states).toBeGreaterThan(4);
    await page.getByText('Transitions as a table').click();
    expect(
      await page
        .getByRole('region', { name: `Transitions of ${name}` })
        .locator('tbody tr')
        .count(),
    ).toBe(await page.locator('.chart g.edge').count());
    await page.getByRole('link', { name: 'Cluster' }).click();
    await expect.poll(() => page.locator('.nodes tbody').textContent()).toContain('first');
    expectClean(seen);
  });
});

describe('the console of a node with tokens', () => {
  let guarded: ServedNode;

  beforeAll(async () => {
    const tokens = path.join(folder, 'tokens.json');
    await writeFile(tokens, JSON.stringify({ 'tenant-token': 'acme', 'operator-token': { role: 'operator' } }));
    guarded = await ServedNode.start(path.join(folder, 'guarded'), '--tokens', tokens);
  });

  afterAll(() => guarded.end('SIGTERM').then(() => undefined));

  it('needs one, shows a tenant its sessions, and the nodes to operators alone', async () => {
    const { page, seen } = await openPage(browser);
    await page.goto(`${guarded.url}/console`);
    const show = page.getByRole('button', { name: 'Show sessions' });
    await show.click();
    await page.locator('.notice[data-code=unauthorized]').waitFor();
    await page.getByLabel('Token').fill('tenant-token');
    await show.click();
    await page.locator('.stream[data-phase=live]').waitFor();
    await page.getByRole('link', { name: 'Cluster' }).click();
    await page.getByText('The nodes are shown to operators').waitFor();
    await page.getByRole('button', { name: 'Leave' }).click();
    await page.getByLabel('Tenant').fill('acme');
    await page.getByLabel('Token').fill('operator-token');
    await show.click();
    await page.locator('.nodes').waitFor();
    expect(seen.troubles.filter((trouble) => !/status of 40[13]/.test(trouble))).toEqual([]);
    expect(seen.requests.filter((url) => !url.startsWith(guarded.url) || url.includes('token'))).toEqual([]);
  });
});

describe('the console of a node that dies', () => {
  it('says so, and goes on with the log once a node is back', async () => {
    const data = path.join(folder, 'mortal');
    const first = await ServedNode.start(data);
    const { page } = await openPage(browser);
    await page.goto(`${first.url}/console`);
    await page.getByLabel('Tenant').fill('theta');
    await page.getByRole('button', { name: 'Show sessions' }).click();
    await page.getByRole('button', { name: 'Open session' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Open', exact: true }).click();
    await page.locator('.chart g.state.present[data-state=active]').waitFor();
    await first.end('SIGKILL');
    await page.locator('.stream[data-phase=waiting]').waitFor();
    const second = await ServedNode.start(data, '--port', new URL(first.url).port);
    try {
      await page.locator('.stream[data-phase=live]').waitFor();
      await page.locator('.feed .record[data-event=timed_out]').waitFor();
      await expect
        .poll(() => page.locator('.chain .card[data-event=timed_out]').textContent())
        .toMatch(/reasonprocess exit.*proof.*the death of every process/);
      expect(await page.locator('.chain .card').count()).toBe(2);
      expect(await page.locator('.feed .record').count()).toBe(2);
      await page.locator('.chart g.state.present[data-state=timedOut]').waitFor();
    } finally {
      await second.end('SIGTERM');
    }
  });
});

describe('the console in a narrow window', () => {
  it.each([400, 1280])('fits %i pixels without scrolling sideways, and names all there is to press', async (width) => {
    const { session_id } = await open('eta', { labels: { [HOSTILE.slice(0, 60)]: HOSTILE.repeat(3) } });
    const { page } = await enter('eta', { viewport: { width, height: 800 } });
    const nameless = page
      .locator('button, a, input, select, textarea')
      .evaluateAll((all) => all.filter((each) => !(each.textContent || (each as HTMLInputElement).labels?.length)).length);
    expect(await nameless).toBe(0);
    const overflow = (): Promise<number> => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(await overflow()).toBe(0);
    await page.goto(`${node.url}/console#/sessions/${session_id}`);
    await page.locator('.chart g.state.present').waitFor();
    expect(await overflow()).toBe(0);
    await page.goto(`${node.url}/console#/machines/session`);
    await page.locator('.chart').waitFor();
    expect(await overflow()).toBe(0);
  });
});
