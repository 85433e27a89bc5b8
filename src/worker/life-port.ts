import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { readFileSync, readlinkSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { Internal, InvalidRequest } from '../domain/errors.ts';
import type { LifeSign } from '../ports/life.ts';

const PROBE_TIMEOUT_MS = 1_000;
const LOOPBACK = /^(127\.|::1$)/;

/**
 * A listening socket that the node and every one of its workers hold. The kernel refuses a connection only once the
 * last of them is gone, which proves their death to anybody who can reach the address (I4).
 * Its name is `<address>` or, for a loopback address that means another socket on every host, `<address>@<namespace>`.
 */
export class LifePort {
  /** As it stands in leases and in `opened`. */
  readonly name: string;
  readonly #server: Server;

  private constructor(server: Server, name: string) {
    this.#server = server;
    this.name = name;
  }

  /** @throws InvalidRequest when `host`, an address or a name, leads to no address of this very machine: a refusal elsewhere would prove nothing */
  static async open(host: string): Promise<LifePort> {
    const own = await ownAddress(host);
    if (own === undefined) {
      throw new InvalidRequest(
        `"${host}" is not an address of this machine: advertise one of its own, or a name that leads to one, so that others can tell whether it lives`,
        {
          field: 'advertise',
        },
      );
    }
    const server = createServer((socket) => socket.destroy());
    server.listen({ host: own, port: 0 });
    await once(server, 'listening');
    server.unref();
    const { port } = server.address() as AddressInfo;
    const address = own.includes(':') ? `[${own}]:${port}` : `${own}:${port}`;
    return new LifePort(server, LOOPBACK.test(own) ? `${address}@${networkNamespace()}` : address);
  }

  /** Its descriptor, for the stdio list of a child process, which then holds the socket too. Node.js shows it on the handle alone. */
  get descriptor(): number {
    const { _handle: handle } = this.#server as unknown as { readonly _handle?: { readonly fd?: unknown } };
    if (typeof handle?.fd !== 'number' || handle.fd < 0) throw new Internal('This runtime does not show the descriptor of a listening socket');
    return handle.fd;
  }

  async close(): Promise<void> {
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** Asks the kernel at the address whether anybody holds the socket. */
export function probeLife(name: string): Promise<LifeSign> {
  const parsed = /^\[?([^\]@]+?)\]?:(\d{1,5})(?:@(.+))?$/.exec(name);
  if (parsed === null) return Promise.resolve('unknown');
  const [, host = '', port = '', namespace] = parsed;
  if (LOOPBACK.test(host) && namespace !== networkNamespace()) return Promise.resolve('unknown');
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(port) });
    const settle = (sign: LifeSign): void => {
      socket.destroy();
      resolve(sign);
    };
    socket.setTimeout(PROBE_TIMEOUT_MS, () => settle('unknown'));
    socket.once('connect', () => settle('held'));
    socket.once('error', (error: NodeJS.ErrnoException) => settle(error.code === 'ECONNREFUSED' ? 'released' : 'unknown'));
  });
}

/** The address behind `host` that one of this machine's interfaces has; others are told the address, whose meaning does not change. */
async function ownAddress(host: string): Promise<string | undefined> {
  const own = new Set(Object.values(networkInterfaces()).flatMap((addresses) => addresses?.map(({ address }) => address) ?? []));
  const found = await lookup(host, { all: true }).catch(() => []);
  return found.map(({ address }) => address).find((address) => own.has(address));
}

/** Tells one machine's (or container's) loopback from another's. */
function networkNamespace(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot}.${readlinkSync('/proc/self/ns/net').replaceAll(/\D/g, '')}`;
  } catch {
    return 'unknown-namespace';
  }
}
