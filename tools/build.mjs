#!/usr/bin/env node
// Compiles to dist/. With --if-stale only when a source is newer than the last good build, so that `npm start` costs nothing extra.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const dist = path.join(root, 'dist');
const stamp = path.join(dist, '.built');
const COMPILED = ['src', 'machines', 'actors', 'bench', 'examples'];
const SETTINGS = ['package.json', 'tsconfig.json', 'tsconfig.build.json', 'tools/console.mjs'];

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

/**
 * The exit code of the compiler; it writes its findings to standard error, which is no place for results. What it emits
 * is moved into place file by file, so that a program that starts meanwhile never reads half a module.
 */
function compile() {
  const startedAt = new Date();
  const fresh = mkdtempSync(path.join(root, '.build-'));
  try {
    const compiler = createRequire(import.meta.url).resolve('typescript/package.json');
    const tsc = path.join(path.dirname(compiler), JSON.parse(readFileSync(compiler, 'utf8')).bin.tsc);
    const done = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', fresh], { cwd: root, stdio: ['ignore', 2, 2] });
    if (done.error) throw done.error;
    const bin = path.join(fresh, 'src/cli/main.js');
    if (existsSync(bin)) chmodSync(bin, 0o755);
    copyScripts(fresh);
    const page = spawnSync(process.execPath, ['tools/console.mjs', fresh], { cwd: root, stdio: ['ignore', 2, 2] });
    const status = done.status || page.status;
    const emitted = filesOf(fresh);
    for (const name of emitted) {
      mkdirSync(path.join(dist, path.dirname(name)), { recursive: true });
      renameSync(path.join(fresh, name), path.join(dist, name));
    }
    if (status === 0) finish(new Set(emitted), startedAt);
    return status ?? 1;
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/** Redis's scripts are read as they are, beside the modules that run them. */
function copyScripts(fresh) {
  for (const name of filesOf(path.join(root, 'src'), 'src').filter((file) => file.endsWith('.lua'))) {
    mkdirSync(path.join(fresh, path.dirname(name)), { recursive: true });
    copyFileSync(path.join(root, name), path.join(fresh, name));
  }
}

/** Removes what sources that are gone left behind. The build stands for the sources as they were when it began. */
function finish(emitted, startedAt) {
  for (const folder of COMPILED.filter((name) => existsSync(path.join(dist, name)))) {
    for (const name of filesOf(path.join(dist, folder), folder)) if (!emitted.has(name)) rmSync(path.join(dist, name), { force: true });
  }
  writeFileSync(stamp, '');
  utimesSync(stamp, startedAt, startedAt);
}

/** Files under `folder`, as paths below `prefix`. */
function filesOf(folder, prefix = '') {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const name = path.posix.join(prefix, entry.name);
    return entry.isDirectory() ? filesOf(path.join(folder, entry.name), name) : [name];
  });
}

/** Builds when needed; resolves to the compiler's exit code, 0 when nothing was to be done. */
export function buildIfStale() {
  return isStale() ? compile() : 0;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.exitCode = process.argv.includes('--if-stale') ? buildIfStale() : compile();
}
