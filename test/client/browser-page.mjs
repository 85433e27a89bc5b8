/**
 * Runs the built remote client in a context that has a browser's globals and none of Node's, with apache-arrow's browser
 * build, against the node at the URL given; prints what it saw as JSON.
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';

const WEB = [
  'AbortController',
  'AbortSignal',
  'ArrayBuffer',
  'BigInt64Array',
  'BigUint64Array',
  'DOMException',
  'DataView',
  'Error',
  'Float32Array',
  'Float64Array',
  'Headers',
  'Int16Array',
  'Int32Array',
  'Int8Array',
  'ReadableStream',
  'Request',
  'Response',
  'TextDecoder',
  'TextEncoder',
  'TypeError',
  'URL',
  'URLSearchParams',
  'Uint16Array',
  'Uint32Array',
  'Uint8Array',
  'Uint8ClampedArray',
  'WritableStream',
  'btoa',
  'clearTimeout',
  'console',
  'crypto',
  'fetch',
  'performance',
  'queueMicrotask',
  'setTimeout',
];
const context = vm.createContext(Object.fromEntries(WEB.map((name) => [name, globalThis[name]])));
vm.runInContext('globalThis.document = {}', context);

const arrow = new URL('./Arrow.dom.mjs', import.meta.resolve('apache-arrow')).href;
const modules = new Map();

/** Our modules and apache-arrow's run inside; what apache-arrow itself depends on touches no globals and stays outside. */
function load(url) {
  const known = modules.get(url);
  if (known !== undefined) return known;
  const inside = url.includes('/dist/src/') || url.includes('/apache-arrow/');
  const loading = inside ? readFile(fileURLToPath(url), 'utf8').then((text) => new vm.SourceTextModule(text, { context, identifier: url })) : outside(url);
  modules.set(url, loading);
  return loading;
}

async function outside(url) {
  const namespace = await import(url);
  const names = Object.keys(namespace);
  return new vm.SyntheticModule(
    names,
    function give() {
      for (const name of names) this.setExport(name, namespace[name]);
    },
    { context, identifier: url },
  );
}

function link(specifier, from) {
  if (specifier === 'apache-arrow') return load(arrow);
  return load(specifier.startsWith('.') ? new URL(specifier, from.identifier).href : import.meta.resolve(specifier));
}

const entry = await load(new URL('../../dist/src/client/index.js', import.meta.url).href);
await entry.link(link);
await entry.evaluate();
context.connect = entry.namespace.connect;
const script = `(async (url) => {
  const seen = [typeof process, typeof Buffer, typeof require];
  const mayfly = await connect(url);
  const session = await mayfly.tenant('acme').openSession();
  await session.createTable('n', { columns: [{ name: 'n', type: 'DOUBLE' }] });
  await session.insert('n', [{ n: 1, bytes: Uint8Array.of(1, 2, 3) }]);
  const rows = await session.rows('FROM n');
  const record = await session.close();
  await mayfly.close();
  return JSON.stringify({ seen, rows, event: record.event });
})`;
process.stdout.write(await vm.runInContext(script, context)(process.argv[2]));
