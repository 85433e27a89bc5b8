/** Something a person who runs the node should be able to find in its log. */
export interface EmbeddedNotice {
  readonly kind: 'journal_torn' | 'journal_failed' | 'journal_repaired' | 'segment_deleted' | 'process_killed' | 'note_failed';
  readonly detail: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export type OnNotice = (notice: EmbeddedNotice) => void;
