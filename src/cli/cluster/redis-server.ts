import { connect } from 'node:net';
import path from 'node:path';
import { onFreePorts } from './free-port.ts';
import { ServerProcess, startAll } from './server-process.ts';

const ANSWER_MS_MAX = 500;

export interface RedisServerOptions {
  readonly folder: string;
  /** Keeps what it holds through a restart (append-only file, fsynced each second); off by default. */
  readonly persistent?: boolean;
}

/** A Redis master on 127.0.0.1. */
export class RedisServer extends ServerProcess {
  readonly port: number;
  readonly url: string;

  constructor(port: number, { folder, persistent = false }: RedisServerOptions) {
    super({
      program: 'redis-server',
      folder,
      args: `--port ${port} --bind 127.0.0.1 --daemonize no --appendonly ${persistent ? 'yes' : 'no'} --appendfsync everysec --maxmemory-policy noeviction`
        .split(' ')
        .concat('--save', '', '--dir', path.resolve(folder)),
    });
    this.port = port;
    this.url = `redis://127.0.0.1:${port}`;
  }

  /** While it reads its file it answers PING with an error. */
  protected override async answers(pid: number): Promise<boolean> {
    const said = await ask(this.port, 'PING\r\nINFO server\r\nQUIT\r\n');
    return said.startsWith('+PONG') && said.includes(`process_id:${pid}\r\n`);
  }
}

/** Starts one on a free port. @throws Unavailable */
export async function startRedisServer(options: RedisServerOptions): Promise<RedisServer> {
  return onFreePorts(1, async ([port]) => {
    const server = new RedisServer(port!, options);
    await server.start();
    return server;
  });
}

/** Starts independent masters, each in a folder of its own below `folder`. @throws Unavailable */
export async function startRedisServers(count: number, { folder, ...options }: RedisServerOptions): Promise<readonly RedisServer[]> {
  const starts = Array.from({ length: count }, async (_, at) => startRedisServer({ ...options, folder: path.join(folder, `redis-${at + 1}`) }));
  return startAll(starts, (server) => server.stop());
}

/** What the server says until it hangs up; what it said so far when it is silent for too long or not there. */
async function ask(port: number, request: string): Promise<string> {
  return new Promise((resolve) => {
    let said = '';
    const socket = connect({ port, host: '127.0.0.1' });
    socket
      .setEncoding('utf8')
      .setTimeout(ANSWER_MS_MAX, () => socket.destroy())
      .on('data', (text) => (said += String(text)))
      .on('error', () => socket.destroy())
      .on('close', () => resolve(said))
      .write(request);
  });
}
