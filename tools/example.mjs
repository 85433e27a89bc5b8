#!/usr/bin/env node
// Runs one example by its number or name: `npm run example 01`. Those of the shell and of Python need a running node.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const names = readdirSync(path.join(root, 'examples')).filter((name) => /^\d\d-/.test(name));

/** Program and arguments, by the example's kind. */
const COMMANDS = {
  '.ts': (name) => [process.execPath, path.join(root, 'dist/examples', name.replace(/\.ts$/, '.js'))],
  '.py': (name) => ['python3', path.join(root, 'examples', name)],
  '.sh': (name) => ['sh', path.join(root, 'examples', name)],
};

const [wanted = ''] = process.argv.slice(2);
const found = names.filter((name) => wanted !== '' && path.basename(name).startsWith(wanted));
if (found.length === 1) {
  const [program, ...args] = COMMANDS[path.extname(found[0])](found[0]);
  const { status, error } = spawnSync(program, args, { stdio: 'inherit' });
  if (error !== undefined) process.stderr.write(`${program} could not be run: ${error.message}\n`);
  process.exitCode = status ?? 1;
} else {
  process.stderr.write(`Name one example: npm run example <number>\n${names.map((name) => `  ${name}\n`).join('')}`);
  process.exitCode = 2;
}
