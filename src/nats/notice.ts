/** Something a person who runs the node should be able to find in its log. */
export interface NatsNotice {
  readonly kind: 'nats_disconnected' | 'nats_connected' | 'server_outdated' | 'stream_created' | 'stream_lost' | 'replayed' | 'replay_waits' | 'replay_failed';
  readonly detail: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export type OnNotice = (notice: NatsNotice) => void;
