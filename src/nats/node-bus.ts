import type { Msg, Subscription } from 'nats';
import { asSessionId, type SessionId } from '../domain/ids.ts';
import type { Holder } from '../ports/lease-store.ts';
import type { BusEars, NodeBus } from '../ports/node-bus.ts';
import type { NatsLink } from './connection.ts';
import type { MessageSeal } from './signed-message.ts';

const PING_MS_MAX = 500;
const PING = 'ping';
const REVOKED = 'revoked';

/** Messages between nodes on core NATS: a subject for each run of a node, heard by nobody once that run is over. */
export class NatsNodeBus implements NodeBus {
  readonly #link: NatsLink;
  readonly #seal: MessageSeal;
  readonly #heard: Subscription[] = [];

  constructor(link: NatsLink, seal: MessageSeal) {
    this.#link = link;
    this.#seal = seal;
  }

  get isConnected(): boolean {
    return this.#link.isConnected;
  }

  async listen(holder: Holder, ears: BusEars): Promise<void> {
    this.#heard.push(
      this.#link.subscribe(subjectOf(holder, PING), (message) => this.#answer(message)),
      this.#link.subscribe(subjectOf(holder, REVOKED), (message) => {
        const session = asSessionId(this.#seal.open(message.subject, message.string()) ?? '');
        if (session !== undefined) ears.onRevoked(session);
      }),
    );
    await this.#link.flush();
  }

  async ping(holder: Holder): Promise<boolean> {
    const subject = subjectOf(holder, PING);
    try {
      const answer = await this.#link.request(subject, this.#seal.seal(subject, ''), { timeoutMs: PING_MS_MAX });
      // Signed for the inbox of this very question.
      return this.#seal.open(answer.subject, answer.string()) === subject;
    } catch {
      return false;
    }
  }

  revoke(holder: Holder, session: SessionId): void {
    const subject = subjectOf(holder, REVOKED);
    try {
      this.#link.publish(subject, this.#seal.seal(subject, session));
    } catch {
      // A hint, lost: the holder's next heartbeat tells it for certain.
    }
  }

  close(): Promise<void> {
    for (const subscription of this.#heard.splice(0)) subscription.unsubscribe();
    return Promise.resolve();
  }

  #answer(message: Msg): void {
    const { reply, subject } = message;
    if (reply === undefined || reply === '' || this.#seal.open(subject, message.string()) === undefined) return;
    try {
      this.#link.publish(reply, this.#seal.seal(reply, subject));
    } catch {
      // Cut meanwhile: whoever asked hears nothing, which is what it is to make of it.
    }
  }
}

/** Names may hold what a subject may not. */
function subjectOf({ node, incarnation }: Holder, what: string): string {
  return `mayfly.node.v1.${Buffer.from(JSON.stringify([node, incarnation])).toString('base64url')}.${what}`;
}
