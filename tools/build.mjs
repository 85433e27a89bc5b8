#!/usr/bin/env node
// Compiles to dist/. With --if-stale only when a source is newer than the last good build, so that `npm start` costs nothing extra.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const stamp = path.join(root, 'dist', '.built');
const COMPILED = ['src', 'machines', 'actors', 'bench'];
const SETTINGS = ['package.json', 'tsconfig.json', 'tsconfig.build.json'];

/** True when dist/ is missing or older than a source; a removed source shows by its folder's time. */
function isStale() {
  if (!existsSync(stamp)) return true;
  const builtMs = statSync(stamp).mtimeMs;
  const newer = (name) => {
    const info = statSync(name, { throwIfNoEntry: false });
    if (info === undefined) return false;
    if (info.mtimeMs > builtMs) return true;
    return info.isDirectory() && readdirSync(name).some((entry) => newer(path.join(name, entry)));
  };
  return [...COMPILED, ...SETTINGS].some((name) => newer(path.join(root, name)));
}

/** The exit code of the compiler; it writes its findings to standard error, which is no place for results. */
function compile() {
  const startedAt = new Date();
  const compiler = createRequire(import.meta.url).resolve('typescript/package.json');
  const tsc = path.join(path.dirname(compiler), JSON.parse(readFileSync(compiler, 'utf8')).bin.tsc);
  const done = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: root, stdio: ['ignore', 2, 2] });
  if (done.error) throw done.error;
  const bin = path.join(root, 'dist/src/cli/main.js');
  if (existsSync(bin)) chmodSync(bin, 0o755);
  if (done.status === 0) {
    mkdirSync(path.dirname(stamp), { recursive: true });
    writeFileSync(stamp, '');
    // The build stands for the sources as they were when it began.
    utimesSync(stamp, startedAt, startedAt);
  }
  return done.status ?? 1;
}

/** Builds when needed; resolves to the compiler's exit code, 0 when nothing was to be done. */
export function buildIfStale() {
  return isStale() ? compile() : 0;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.exitCode = process.argv.includes('--if-stale') ? buildIfStale() : compile();
}
