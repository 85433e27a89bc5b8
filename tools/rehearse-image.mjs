#!/usr/bin/env node
// Exercises the Dockerfile on a clean copy of the project, as far as a machine without a container engine allows:
// every step of every stage, then the result as an unprivileged user, from its first answer to its exit.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, lstatSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildImage, within } from './image-build.mjs';
import { ended, freePort, startInImage } from './image-start.mjs';

/** Longest wait for the node to be ready, and for it to be gone after SIGTERM; in ms. */
const READY_MAX_MS = 30_000;
const GONE_MAX_MS = 30_000;
const POLL_MS = 50;
const TOKEN = 'a-token-of-the-rehearsal';

/** What was seen; throws when a step fails or the node does not come up. */
export async function rehearseImage(root, log) {
  const scratch = mkdtempSync(path.join(tmpdir(), 'mayfly-image-'));
  // The image's user passes through here.
  chmodSync(scratch, 0o755);
  try {
    const image = buildImage({ root: cleanCopy(root, path.join(scratch, 'clone')), scratch, log });
    const { rootfs: _gone, ...said } = image;
    const held = { held: readdirSync(image.rootfs).sort(), packages: readdirSync(within(image, 'node_modules')), bytes: bytesBelow(image.rootfs) };
    return { ...said, ...held, volumeOwners: ownersOf(image), ...(await runNode(image, log)) };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** What a clone of the project, as it stands here, would hold: files that git knows, or would know; all of them without git. */
function cleanCopy(root, clone) {
  if (!existsSync(path.join(root, '.git'))) return root;
  const listed = spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8' });
  if (listed.status !== 0) throw new Error(`git ls-files failed: ${listed.stderr}`);
  const names = listed.stdout.split('\0').filter((name) => name !== '' && existsSync(path.join(root, name)));
  for (const name of names) cpSync(path.join(root, name), path.join(clone, name));
  return clone;
}

async function runNode(image, log) {
  const words = [...image.entrypoint, ...image.command];
  const unguarded = await ended(startInImage(image, words, {}));
  const port = await freePort();
  const variables = { MAYFLY_HOST: '127.0.0.1', MAYFLY_PORT: String(port), MAYFLY_TOKENS: JSON.stringify({ [TOKEN]: 'acme' }) };
  const node = startInImage(image, words, variables);
  const gone = ended(node);
  const isHealthy = async () => (await ended(startInImage(image, image.healthcheck, variables))).code === 0;
  try {
    const url = `http://127.0.0.1:${port}`;
    const readyMs = await untilReady(url, gone);
    log(`ready after ${readyMs} ms`);
    const user = existsSync('/proc/self') ? statSync(`/proc/${node.pid}`).uid : undefined;
    const record = await oneSession(url);
    const healthyWhileUp = await isHealthy();
    node.kill('SIGTERM');
    const { code, output } = await Promise.race([gone, delay(GONE_MAX_MS, { code: 'still there', output: '' }, { ref: false })]);
    log(`gone with ${code}`);
    return { unguarded, readyMs, user, record, healthyWhileUp, healthyAfterwards: await isHealthy(), exitCode: code, output };
  } finally {
    node.kill('SIGKILL');
  }
}

async function untilReady(url, gone) {
  const startedMs = performance.now();
  let end;
  void gone.then((how) => (end = how));
  while (performance.now() - startedMs < READY_MAX_MS) {
    if (end !== undefined) throw new Error(`the node ended with ${end.code} before it was ready:\n${end.output}`);
    const answer = await fetch(`${url}/readyz`).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer?.status === 200) return Math.round(performance.now() - startedMs);
    await delay(POLL_MS);
  }
  throw new Error(`the node was not ready within ${READY_MAX_MS} ms`);
}

/** The whole of a session, so that a worker starts and DuckDB's native part loads under the image's user. */
async function oneSession(url) {
  const call = async (method, at, body) => {
    const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
    const answer = await fetch(`${url}/v1/sessions${at}`, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    const held = await answer.json();
    if (!answer.ok) throw new Error(`${method} ${at}: ${JSON.stringify(held)}`);
    return held;
  };
  const { session_id: id } = await call('POST', '', {});
  await call('PUT', `/${id}/tables/numbers`, { query: 'SELECT range AS n FROM range(1000)' });
  const { rows } = await call('POST', `/${id}/sql`, { query: 'SELECT sum(n)::INTEGER FROM numbers' });
  return { sum: rows[0][0], ...(await call('DELETE', `/${id}`)) };
}

function bytesBelow(folder) {
  return readdirSync(folder, { recursive: true }).reduce((sum, name) => sum + lstatSync(path.join(folder, String(name))).size, 0);
}

function ownersOf(image) {
  return Object.fromEntries(image.volumes.map((folder) => [folder, statSync(within(image, folder)).uid]));
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
  const { bytes, user, exitCode, record } = await rehearseImage(root, (line) => process.stdout.write(`${line}\n`));
  process.stdout.write(`${Math.round(bytes / 1e6)} MB on top of the base image; ran as user ${user}; a session ended as ${record.event}\n`);
  process.exitCode = exitCode === 0 ? 0 : 1;
}
