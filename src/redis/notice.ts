/** Something a person who runs the node should be able to find in its log. */
export interface RedisNotice {
  readonly kind: 'redis_lost' | 'redis_back' | 'redis_unreachable' | 'redis_unchecked' | 'redis_behind';
  readonly detail: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export type OnRedisNotice = (notice: RedisNotice) => void;
