import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** A step that a master takes as a whole, from the file that bears its name and number of keys. */
export interface Script {
  readonly text: string;
  readonly sha1: string;
  readonly keys: number;
}

export const SCRIPTS = {
  heartbeat: load('heartbeat-3'),
  put: load('put-4'),
  remove: load('remove-5'),
  revoke: load('revoke-3'),
  find: load('find-1'),
  leases: load('leases-4'),
  forget: load('forget-6'),
} as const;

function load(name: string): Script {
  const text = readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), 'utf8');
  return { text, sha1: createHash('sha1').update(text).digest('hex'), keys: Number(name.slice(name.lastIndexOf('-') + 1)) };
}
