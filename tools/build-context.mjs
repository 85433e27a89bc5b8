// What a container engine would be given of a folder: everything but what .dockerignore leaves out.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

/** Rules in the order of the file; the last that matches a path, or a folder above it, decides. */
export function readIgnoreRules(source) {
  return source
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const keeps = line.startsWith('!');
      return { keeps, pattern: patternOf((keeps ? line.slice(1) : line).replaceAll(/^\/|\/$/g, '')) };
    });
}

function patternOf(glob) {
  if (/[[\]\\]/.test(glob)) throw new Error(`.dockerignore: "${glob}" is of a form this reader does not know`);
  const body = glob
    .replaceAll(/[.+^${}()|]/g, '\\$&')
    .replaceAll('**/', '\u0000')
    .replaceAll('**', '\u0001')
    .replaceAll('*', '[^/]*')
    .replaceAll('?', '[^/]')
    .replaceAll('\u0000', '(?:.*/)?')
    .replaceAll('\u0001', '.*');
  return new RegExp(`^${body}$`);
}

export function isLeftOut(name, rules) {
  const parts = name.split('/');
  const lineage = parts.map((_part, index) => parts.slice(0, index + 1).join('/'));
  return rules.reduce((out, { keeps, pattern }) => (lineage.some((above) => pattern.test(above)) ? !keeps : out), false);
}

/** Files of the context as paths below `root`, sorted. */
export function contextFiles(root) {
  const ignore = path.join(root, '.dockerignore');
  const rules = existsSync(ignore) ? readIgnoreRules(readFileSync(ignore, 'utf8')) : [];
  return filesBelow(root, '').filter((name) => !isLeftOut(name, rules));
}

function filesBelow(root, folder) {
  return readdirSync(path.join(root, folder), { withFileTypes: true })
    .flatMap((entry) => {
      const name = path.posix.join(folder, entry.name);
      // Large, and nobody's source.
      if (name === 'node_modules' || name === '.git') return [];
      return entry.isDirectory() ? filesBelow(root, name) : [name];
    })
    .sort();
}
