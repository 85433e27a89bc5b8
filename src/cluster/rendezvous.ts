/**
 * Highest random weight (Thaler and Ravishankar, 1998): every node picks the same one of the members for a key without
 * a word between them, and when a member leaves only its own keys move.
 */
export function rendezvous<Member>(key: string, members: readonly Member[], nameOf: (member: Member) => string): Member | undefined {
  let best: { readonly member: Member; readonly weight: number } | undefined;
  for (const member of members) {
    const weight = mixed(`${nameOf(member)}\n${key}`);
    if (best === undefined || weight > best.weight) best = { member, weight };
  }
  return best?.member;
}

/** FNV-1a over the characters, finished as MurmurHash3 does, so that every bit of the input moves every bit of the weight. */
function mixed(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
