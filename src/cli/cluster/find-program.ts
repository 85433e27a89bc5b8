import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';
import { Unavailable } from '../../domain/errors.ts';

/** Debian puts servers into folders that are often not on a user's PATH. */
const SERVER_FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/usr/local/bin'];

/** A server's program, and the Debian package that brings it. */
export type ServerProgram = 'redis-server' | 'nats-server';

/**
 * The path of a server's program: PATH first, then where Debian puts servers.
 * @throws Unavailable (`program`, `install`: the line to type) when the machine does not have it
 */
export function findProgram(name: ServerProgram): string {
  const folders = [...(process.env['PATH'] ?? '').split(path.delimiter).filter((folder) => folder !== ''), ...SERVER_FOLDERS];
  const found = folders.map((folder) => path.join(folder, name)).find((file) => isProgram(file));
  if (found !== undefined) return found;
  const install = `sudo apt-get install -y ${name}`;
  throw new Unavailable(`${name} is on neither PATH nor ${SERVER_FOLDERS.join(', ')}. On Debian or Ubuntu: ${install}`, { program: name, install });
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
