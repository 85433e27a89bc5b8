import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '../..');

/** Where a page finds what its modules name: packages by their builds for browsers, the client as it is shipped. */
const IMPORTS = {
  'mayfly/client': '/dist/src/client/index.js',
  'apache-arrow': '/node_modules/apache-arrow/Arrow.dom.mjs',
  flatbuffers: '/node_modules/flatbuffers/mjs/flatbuffers.js',
  'json-with-bigint': '/node_modules/json-with-bigint/json-with-bigint.js',
  tslib: '/node_modules/tslib/tslib.es6.mjs',
};

/** A web application of its own origin: a page with an import map, and the modules of this project as files. */
export async function servePage(script: string): Promise<{ url: string; stop: () => Promise<void> }> {
  const start = [
    `import * as arrow from 'apache-arrow';`,
    `import * as client from 'mayfly/client';`,
    `import { exercise } from '${script}';`,
    'globalThis.exercise = (url) => exercise(url, { arrow, client });',
  ].join('');
  const page = `<!doctype html><title>page</title><script type="importmap">${JSON.stringify({ imports: IMPORTS })}</script><script type="module">${start}</script>`;
  const server = createServer((request, response) => {
    const name = new URL(request.url ?? '/', 'http://page').pathname;
    if (name === '/') {
      response.writeHead(200, { 'content-type': 'text/html' }).end(page);
      return;
    }
    readFile(path.join(ROOT, name)).then(
      (bytes) => response.writeHead(200, { 'content-type': 'text/javascript' }).end(bytes),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop: () => stop(server) };
}

function stop(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => void server.close(() => resolve()));
}
