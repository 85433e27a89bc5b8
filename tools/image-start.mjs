// Starts a program of a rehearsed image as its engine would: the image's user, its variables and nothing else of this machine.
import { spawn } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:net';
import path from 'node:path';
import { environmentOf, within } from './image-build.mjs';

/** The child process of `words`, below the image's root; as the image's user where this process may change users. */
export function startInImage(image, words, variables) {
  const env = { ...environmentOf(image, `${baseBin(image)}:/usr/bin:/bin`), HOME: '/nonexistent', ...variables };
  const user = process.getuid?.() === 0 ? { uid: image.uid, gid: image.gid } : {};
  const [program, ...rest] = words;
  return spawn(program, rest, { cwd: within(image, '.'), env, ...user, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** The base image brings Node; where this machine keeps it, the image's user may not look. */
function baseBin(image) {
  const bin = path.join(path.dirname(image.rootfs), 'base-bin');
  const node = path.join(bin, 'node');
  if (!existsSync(node)) {
    mkdirSync(bin, { recursive: true });
    copyFileSync(process.execPath, node);
    chmodSync(node, 0o755);
  }
  return bin;
}

/** Resolves when the child is gone: its exit code, or the signal's name, and what it wrote. */
export async function ended(child) {
  const written = [];
  child.stdout.on('data', (chunk) => written.push(chunk));
  child.stderr.on('data', (chunk) => written.push(chunk));
  const [code, signal] = await once(child, 'close');
  return { code: code ?? signal, output: Buffer.concat(written).toString() };
}

/** A port of loopback that was free a moment ago. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
