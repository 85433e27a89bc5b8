import { randomUUID } from 'node:crypto';
import type { IdSource, SessionId } from '../domain/ids.ts';

/** Ids from the system's random source. */
export class RandomIds implements IdSource {
  sessionId(): SessionId {
    return randomUUID() as SessionId;
  }

  incarnation(): string {
    return randomUUID().replaceAll('-', '');
  }

  instance(): string {
    return randomUUID();
  }
}
