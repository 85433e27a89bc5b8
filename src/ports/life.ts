/** What a look at a holder's life port tells. */
export type LifeSign =
  /** Something still holds the socket: the node, or one of its workers, be it stopped or not. */
  | 'held'
  /** The kernel that had it says that nobody does: the holder and all its workers are dead (I4). */
  | 'released'
  /** No answer, or an address that proves nothing from here. */
  | 'unknown';

/** Looks at the life port named in a session's `opened`. Bounded in time; never throws. */
export type ProbeLife = (life: string) => Promise<LifeSign>;
