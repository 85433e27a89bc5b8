import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

export const ROOT = path.resolve(import.meta.dirname, '../..');

/** Made, fetched, or not the project's: never looked at. */
const LEFT_OUT = new Set(['node_modules', 'dist', '.git', '.mayfly', '.mayfly-tutorial', 'coverage']);

/** Files of the project as paths from its root, with or without git at hand. */
export function projectFiles(folder = ''): readonly string[] {
  return readdirSync(path.join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    if (LEFT_OUT.has(entry.name) || entry.name.startsWith('.build-')) return [];
    const name = path.posix.join(folder, entry.name);
    return entry.isDirectory() ? projectFiles(name) : [name];
  });
}

export function read(name: string): string {
  return readFileSync(path.join(ROOT, name), 'utf8');
}
