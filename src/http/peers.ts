import type { SessionId } from '../domain/ids.ts';

/** Another node of the cluster. */
export interface Peer {
  readonly node: string;
  readonly incarnation: string;
  /** Where it takes calls. */
  readonly url: string;
}

/** The other nodes, as far as the HTTP surface needs them; absent on a node of its own. */
export interface Peers {
  /** What the nodes know each other by. */
  readonly secret: string;
  /** The other node that serves the session; undefined when it is this one's to answer. */
  ownerOf(session: SessionId): Promise<Peer | undefined>;
  /** The other node a new session belongs to; undefined: this one. The same for the same key. */
  placeOf(key?: string): Peer | undefined;
  /** Whether it was heard of lately. */
  isLive(peer: Peer): boolean;
  /** It could not be reached just now. */
  suspect(peer: Peer): void;
}
