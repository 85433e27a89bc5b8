import { Unavailable } from '../domain/errors.ts';
import type { Gateway } from '../domain/gateway.ts';
import type { Clock } from '../ports/clock.ts';

/** How often a node that has not answered yet is checked for being in the cluster still. */
const LIVE_CHECK_MS = 500;

export type PeerCalls = Pick<Gateway, 'listSessions' | 'closeSessions'>;

/**
 * Calls on what another node holds, given up once it is in the cluster no more: a node that is paused takes connections
 * and answers none of them.
 */
export function peerCalls(peer: PeerCalls, isLive: () => boolean, clock: Clock): PeerCalls {
  const whileLive = async <T>(answer: Promise<T>): Promise<T> => {
    let timer: unknown;
    const left = new Promise<never>((_resolve, reject) => {
      const check = (): void => {
        if (isLive()) timer = clock.setTimeout(check, LIVE_CHECK_MS);
        else reject(new Unavailable('A node of the cluster does not answer; try again'));
      };
      timer = clock.setTimeout(check, LIVE_CHECK_MS);
    });
    try {
      return await Promise.race([answer, left]);
    } finally {
      clock.clearTimeout(timer);
    }
  };
  return {
    listSessions: (tenant, filter) => whileLive(peer.listSessions(tenant, filter)),
    closeSessions: (tenant, filter) => whileLive(peer.closeSessions(tenant, filter)),
  };
}
