import { parseSync } from 'oxc-parser';
import { describe, expect, it } from 'vitest';
import { started } from '../http/started-server.ts';

/** Modules that a module loads when it runs. */
function loaded(name: string, text: string): readonly string[] {
  const { module } = parseSync(name, text);
  expect(module.dynamicImports).toEqual([]);
  return [
    ...module.staticImports.map(({ moduleRequest }) => moduleRequest.value),
    ...module.staticExports.flatMap(({ entries }) => entries.flatMap(({ moduleRequest }) => moduleRequest?.value ?? [])),
  ];
}

describe('the files of the console', () => {
  it('are a page of plain links, with a policy that lets nothing else in', async () => {
    const { server } = await started();
    const page = await fetch(`${server.url}/console`);
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(page.headers.get('x-content-type-options')).toBe('nosniff');
    expect(page.headers.get('cache-control')).toBe('no-cache');
    const policy = page.headers.get('content-security-policy')?.split('; ');
    expect(policy).toEqual(
      expect.arrayContaining([`default-src 'none'`, `script-src 'self'`, `style-src 'self'`, `connect-src 'self'`, `require-trusted-types-for 'script'`]),
    );
    expect(policy?.join()).not.toMatch(/unsafe|\*|https?:|data:/);
    const html = await page.text();
    expect(html).not.toMatch(/<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)|https?:|\/\//);
  });

  it('reach no module that is not among them', async () => {
    const { server } = await started();
    const seen = new Set<string>();
    const waiting = ['main.js'];
    for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
      if (seen.has(name)) continue;
      seen.add(name);
      const answer = await fetch(`${server.url}/console/${name}`);
      expect([name, answer.status, answer.headers.get('content-type')]).toEqual([name, 200, 'text/javascript; charset=utf-8']);
      expect(answer.headers.get('content-security-policy')).toContain(`default-src 'none'`);
      const text = await answer.text();
      expect(text).not.toMatch(/sourceMappingURL|https?:(?!\/\/www\.w3\.org\/2000\/svg)/);
      for (const specifier of loaded(name, text)) {
        expect(specifier).toMatch(/^\.\/[a-z-]+\.js$/);
        waiting.push(specifier.slice(2));
      }
    }
    expect(seen.size).toBeGreaterThan(20);
  });

  it.each(['style.css', 'chart.css', 'icon.svg', 'charts.json'])('%s is sent once, and told to be unchanged after that', async (name) => {
    const { server } = await started();
    const first = await fetch(`${server.url}/console/${name}`);
    const etag = first.headers.get('etag') ?? '';
    expect([first.status, etag]).toEqual([200, expect.stringMatching(/^"[\w-]{43}"$/)]);
    const again = await fetch(`${server.url}/console/${name}`, { headers: { 'if-none-match': etag } });
    expect([again.status, await again.text(), again.headers.get('etag')]).toEqual([304, '', etag]);
    expect((await fetch(`${server.url}/console/${name}`, { headers: { 'if-none-match': '"old"' } })).status).toBe(200);
    const head = await fetch(`${server.url}/console/${name}`, { method: 'HEAD' });
    expect([head.status, await head.text(), head.headers.get('content-length')]).toEqual([200, '', String((await first.arrayBuffer()).byteLength)]);
  });

  it.each(['main.ts', 'main.d.ts', 'main.js.map', 'nothing.js', '..%2Fcli%2Fmain.js', '%2e%2e%2fhttp%2fserver.js', '__proto__'])(
    'do not include %s',
    async (name) => {
      const { server } = await started();
      const answer = await fetch(`${server.url}/console/${name}`);
      expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([404, 'not_found']);
    },
  );

  it('have one address for the page, and take no other method', async () => {
    const { server } = await started();
    const slash = await fetch(`${server.url}/console/`, { redirect: 'manual' });
    expect([slash.status, slash.headers.get('location')]).toEqual([308, '../console']);
    const post = await fetch(`${server.url}/console`, { method: 'POST' });
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS']);
  });
});
