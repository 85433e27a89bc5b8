import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { Unavailable } from '../../domain/errors.ts';

/** Below the ports that systems give to outgoing connections: one that is given up stays free for its server's return. */
const FIRST_PORT = 15_000;
const LAST_PORT = 31_999;
const TRIES_MAX = 50;

/**
 * Ports of 127.0.0.1 on which nobody listened a moment ago, all different.
 * @throws Unavailable when none is found
 */
export async function freePorts(count: number): Promise<readonly number[]> {
  const ports = new Set<number>();
  for (let tries = 0; ports.size < count; tries += 1) {
    if (tries === TRIES_MAX) throw new Unavailable(`No free port was found between ${FIRST_PORT} and ${LAST_PORT}`);
    const port = randomInt(FIRST_PORT, LAST_PORT + 1);
    if (await isFree(port)) ports.add(port);
  }
  return [...ports];
}

/** Another process took the port between the look and the start. */
const PORT_TAKEN = /address already in use/i;
const STARTS_MAX = 5;

/**
 * What `start` starts on `count` free ports; on others when somebody else was quicker.
 * @throws Unavailable, or whatever else `start` rejects with
 */
export async function onFreePorts<Started>(count: number, start: (ports: readonly number[]) => Promise<Started>): Promise<Started> {
  for (let starts = 1; ; starts += 1) {
    try {
      return await start(await freePorts(count));
    } catch (error) {
      if (starts === STARTS_MAX || !PORT_TAKEN.test(String(error))) throw error;
    }
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
