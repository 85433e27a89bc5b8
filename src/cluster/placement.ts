import type { Member, Membership } from './membership.ts';
import { holderKey } from './membership.ts';
import { rendezvous } from './rendezvous.ts';

/**
 * Where a session opens: the less loaded of two random nodes with room (Mitzenmacher's power of two choices), this one
 * when they are even. A keyed call goes to the node its key picks, so that a repeat through any node meets the first.
 * Undefined when no node has room: then this one says so.
 */
export function placeOf(membership: Membership, random: () => number, key?: string): Member | undefined {
  const open = membership.live().filter((member) => member.notice.state === 'serving' && !membership.isSuspect(member));
  if (key !== undefined) return rendezvous(key, open, ({ holder }) => holderKey(holder));
  const roomy = open.filter(({ notice }) => notice.sessions < notice.sessionsMax);
  const first = taken(roomy, random);
  const second = taken(
    roomy.filter((member) => member !== first),
    random,
  );
  if (first === undefined || second === undefined) return first;
  const [a, b] = [first.notice.sessions, second.notice.sessions];
  if (a === b) return second.isSelf ? second : first;
  return a < b ? first : second;
}

function taken(members: readonly Member[], random: () => number): Member | undefined {
  return members[Math.floor(random() * members.length)];
}
