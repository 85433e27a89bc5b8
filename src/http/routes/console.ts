import { createHash } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { NotFound } from '../../domain/errors.ts';
import type { Answer, Call, Route } from '../route.ts';
import * as schemas from '../schemas.ts';

/** Where a build puts the page; the same from source and from dist/, as for the worker. */
const FOLDER = path.join(path.dirname(createRequire(import.meta.url).resolve('mayfly/package.json')), 'dist/src/console');
const PAGE = 'index.html';
const MEDIA_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
};

/** The page runs and asks for nothing but what this node serves, and no text can become markup or script in it. */
const POLICY = [
  `default-src 'none'`,
  `script-src 'self'`,
  `style-src 'self'`,
  `img-src 'self'`,
  `connect-src 'self'`,
  `base-uri 'none'`,
  `form-action 'none'`,
  `frame-ancestors 'none'`,
  `require-trusted-types-for 'script'`,
  `trusted-types 'none'`,
].join('; ');

const SAFE = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  // Asked for anew each time; the tag says that nothing changed.
  'cache-control': 'no-cache',
};

interface Asset {
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** The web console: a page and its files, read once when the first of them is asked for. */
export function consoleRoutes(): readonly Route[] {
  let reading: Promise<ReadonlyMap<string, Asset>> | undefined;
  const serve = async (call: Call, name: string): Promise<Answer> => {
    // A failure is not kept: the next call reads again.
    reading ??= readAssets().catch((error: unknown) => {
      reading = undefined;
      throw error;
    });
    const asset = (await reading).get(name);
    if (asset === undefined) throw new NotFound('The console has no such file');
    const { text, headers } = asset;
    return { status: call.headers['if-none-match'] === headers['etag'] ? 304 : 200, headers, text };
  };
  const route = { method: 'GET', access: 'open', query: schemas.emptyQuery } as const;
  return [
    {
      ...route,
      path: '/console',
      summary: 'The web console',
      answers: { 200: { 'text/html': null } },
      handle: (call) => serve(call, PAGE),
    },
    {
      ...route,
      path: '/console/:file',
      summary: 'A file of the web console',
      answers: { 200: { 'text/css': null, 'text/javascript': null, 'application/json': null, 'image/svg+xml': null } },
      async handle(call) {
        const name = call.params['file'] ?? '';
        // The page's links are relative, so that it works below a proxy's prefix: it has one address.
        if (name === '') return { status: 308, headers: { ...SAFE, location: '../console' }, text: '' };
        return serve(call, name);
      },
    },
  ];
}

async function readAssets(): Promise<ReadonlyMap<string, Asset>> {
  const assets = new Map<string, Asset>();
  for (const name of await readdir(FOLDER)) {
    const type = MEDIA_TYPES[path.extname(name)];
    if (type === undefined) continue;
    // Source maps lead to sources that are not served.
    const text = (await readFile(path.join(FOLDER, name), 'utf8')).replace(/^\/\/# sourceMappingURL=.*$/m, '');
    const etag = `"${createHash('sha256').update(text).digest('base64url')}"`;
    assets.set(name, { text, headers: { ...SAFE, 'content-type': type, etag } });
  }
  return assets;
}
