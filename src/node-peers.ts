import { HttpGateway } from './client/http-gateway.ts';
import type { LocalNode } from './cluster/local-node.ts';
import type { Member } from './cluster/membership.ts';
import { BoundedMap } from './domain/bounded-map.ts';
import type { Gateway } from './domain/gateway.ts';
import type { SessionId } from './domain/ids.ts';
import type { Tenant } from './domain/tenant.ts';
import { passportHeaders } from './node-passport.ts';
import type { Clock } from './ports/clock.ts';
import type { Holder } from './ports/lease-store.ts';

/** Another node of the cluster. */
export interface Peer {
  readonly holder: Holder;
  /** Where it takes calls. */
  readonly url: string;
}

/** Which node a call belongs to, and what is known of it. */
export interface Peers {
  /** What the nodes know each other by. */
  readonly secret: string;
  /** The other node that serves the session; undefined when it is this one's to answer. */
  ownerOf(tenant: Tenant, session: SessionId): Promise<Peer | undefined>;
  /** The other node a new session belongs to; undefined: this one. The same for the same key. */
  placeOf(key?: string): Peer | undefined;
  /** Whether it was heard of lately. */
  isLive(peer: Peer): boolean;
  /** It could not be reached just now. */
  suspect(peer: Peer): void;
}

export function peersOf(node: LocalNode, secret: string): Peers {
  return {
    secret,
    ownerOf: async (tenant, session) => asPeer(await node.owners.of(tenant, session)),
    placeOf: (key) => asPeer(node.placeOf(key)),
    isLive: ({ holder }) => node.membership.memberOf(holder) !== undefined,
    suspect: (peer) => node.suspect(peer),
  };
}

function asPeer(member: Member | undefined): Peer | undefined {
  return member === undefined ? undefined : { holder: member.holder, url: member.notice.url };
}

/** Nodes for which a client is kept; one that is dropped is made anew, and its calls go on. */
const CLIENTS_MAX = 1_000;

/** Calls on other nodes, for what they hold themselves; one client for each, kept. */
export function peerGateways(secret: string, clock: Clock): (member: Member) => Gateway {
  const gateways = new BoundedMap<string, HttpGateway>(CLIENTS_MAX);
  return ({ notice: { url } }) => {
    const known = gateways.get(url);
    if (known !== undefined) return known;
    const headersOf = (request: Parameters<typeof passportHeaders>[1]) => passportHeaders(secret, request, clock.wallMs());
    const gateway = new HttpGateway(url, { direct: false, retriesMax: 0, headersOf });
    gateways.set(url, gateway);
    return gateway;
  };
}
