import { connect } from 'node:net';
import { onTestFinished } from 'vitest';
import type { TokenSettings } from '../../src/http/authentication.ts';
import type { HttpLimits, HttpServer, HttpServerOptions } from '../../src/http/server.ts';
import { serveGateway } from '../gateway/serve-gateway.ts';
import { ScriptedGateway } from './scripted-gateway.ts';

export interface Started {
  readonly server: HttpServer;
  readonly memory: ScriptedGateway;
  readonly logged: { fields: object; message: string }[];
  call(path: string, init?: RequestInit): Promise<Response>;
  /** Opens a session of tenant acme. */
  open(body?: object): Promise<string>;
}

/** A server over a gateway in memory, stopped when the test is. */
export async function started(
  options: { limits?: Partial<HttpLimits>; tokens?: TokenSettings } & Partial<
    Pick<HttpServerOptions, 'corsOrigin' | 'status' | 'standing' | 'host' | 'insecure'>
  > = {},
): Promise<Started> {
  const memory = new ScriptedGateway();
  const logged: Started['logged'] = [];
  const write = (fields: object, message: string): void => void logged.push({ fields, message });
  const server = await serveGateway(memory, { log: { debug: write, info: write, warn: write, error: write }, ...options });
  onTestFinished(() => server.close({ drainMs: 0 }));
  const call = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(server.url + path, { ...init, headers: { 'mayfly-tenant': 'acme', ...(init.headers as Record<string, string>) } });
  return {
    server,
    memory,
    logged,
    call,
    async open(body = {}) {
      const answer = await call('/v1/sessions', json(body));
      return ((await answer.json()) as { session_id: string }).session_id;
    },
  };
}

export const json = (body: unknown, headers: Record<string, string> = {}, method = 'POST'): RequestInit => ({
  method,
  body: JSON.stringify(body),
  headers: { 'content-type': 'application/json', ...headers },
});

/** Everything the server sends on one raw connection until it closes it. */
export function raw(server: HttpServer, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(server.port, '127.0.0.1', () => socket.write(bytes));
    socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(text));
  });
}
