import { headers, type MsgHdrs } from 'nats';
import { Internal } from '../domain/errors.ts';
import type { SessionId } from '../domain/ids.ts';
import { SESSION_LIFECYCLE_TOPIC, type LifecycleRecord } from '../domain/lifecycle-record.ts';
import type { Tenant } from '../domain/tenant.ts';
import type { Holder } from '../ports/lease-store.ts';
import type { ChainEntry, Decision } from '../ports/lifecycle-log.ts';
import type { OutboxEntry } from '../ports/outbox.ts';
import { DECISIONS_STREAM, DECISION_TOPIC, LIFECYCLE_STREAM } from './streams.ts';

/** What a message bears beside its body, which is the record or the decision and nothing else. */
const HEADERS = {
  append: 'Mayfly-Append',
  event: 'Mayfly-Event',
  node: 'Mayfly-Node',
  incarnation: 'Mayfly-Incarnation',
  life: 'Mayfly-Life',
} as const;

export function recordSubject(tenant: Tenant, session: SessionId, n: number): string {
  return `${SESSION_LIFECYCLE_TOPIC}.${tenant}.${session}.${n}`;
}

export function decisionSubject(tenant: Tenant, session: SessionId): string {
  return `${DECISION_TOPIC}.${tenant}.${session}`;
}

/** What is to be stored under a subject that holds nothing. */
export interface NewMessage {
  readonly stream: string;
  readonly subject: string;
  readonly body: string;
  readonly appendId: string;
  readonly headers: () => MsgHdrs;
}

/** Where a record stands, from the subject alone. */
export interface Place {
  readonly tenant: Tenant;
  readonly session: SessionId;
  readonly n: number;
}

/** Undefined for a subject that is none of a record. */
export function placeOf(subject: string): Place | undefined {
  const [tenant, session, n, ...rest] = subject.slice(SESSION_LIFECYCLE_TOPIC.length + 1).split('.');
  if (tenant === undefined || session === undefined || n === undefined || rest.length > 0 || !/^\d{1,15}$/.test(n)) return undefined;
  return { tenant: tenant as Tenant, session: session as SessionId, n: Number(n) };
}

/** The message of a record at place n; `opened` bears its holder, and so does every other. */
export function recordMessage(n: number, { appendId, record, holder }: OutboxEntry): NewMessage {
  return {
    stream: LIFECYCLE_STREAM,
    subject: recordSubject(record.tenant_id, record.session_id, n),
    body: JSON.stringify(record),
    appendId,
    headers: () => recordHeaders(appendId, record, holder),
  };
}

export function decisionMessage(decision: Decision, appendId: string): NewMessage {
  return {
    stream: DECISIONS_STREAM,
    subject: decisionSubject(decision.tenant, decision.session),
    body: JSON.stringify(decision),
    appendId,
    headers: () => appendHeaders(appendId),
  };
}

function recordHeaders(appendId: string, { event }: LifecycleRecord, holder: Holder): MsgHdrs {
  const set = appendHeaders(appendId);
  set.set(HEADERS.event, event);
  set.set(HEADERS.node, holder.node);
  set.set(HEADERS.incarnation, holder.incarnation);
  if (holder.life !== undefined) set.set(HEADERS.life, holder.life);
  return set;
}

function appendHeaders(appendId: string): MsgHdrs {
  const set = headers();
  set.set(HEADERS.append, appendId);
  return set;
}

/** By it a writer knows its own message; undefined for one that somebody else wrote by other means. */
export function appendIdOf(from: MsgHdrs | undefined): string | undefined {
  return textOf(from, HEADERS.append);
}

export function eventOf(from: MsgHdrs | undefined): string | undefined {
  return textOf(from, HEADERS.event);
}

export function holderOf(from: MsgHdrs | undefined): Holder {
  const life = textOf(from, HEADERS.life);
  return { node: textOf(from, HEADERS.node) ?? '', incarnation: textOf(from, HEADERS.incarnation) ?? '', ...(life === undefined ? {} : { life }) };
}

interface StandingMessage {
  readonly subject: string;
  readonly sequence: number;
  readonly headers?: MsgHdrs | undefined;
  readonly body: Uint8Array;
}

/** @throws Internal when the message is no record at a place of a chain (I8: an answer that would lack an entry is an error) */
export function entryOf(message: StandingMessage): ChainEntry {
  const place = placeOf(message.subject);
  const record = parse<LifecycleRecord>(message);
  if (place === undefined) throw foreign(message);
  return { offset: message.sequence, n: place.n, record, by: holderOf(message.headers) };
}

/** @throws Internal when the message is no decision */
export function decisionOf(message: StandingMessage): Decision {
  return parse<Decision>(message);
}

function textOf(from: MsgHdrs | undefined, name: string): string | undefined {
  const text = from?.get(name);
  return text === undefined || text === '' ? undefined : text;
}

function parse<T>(message: { readonly subject: string; readonly sequence: number; readonly body: Uint8Array }): T {
  try {
    const value: unknown = JSON.parse(Buffer.from(message.body).toString('utf8'));
    if (typeof value === 'object' && value !== null) return value as T;
  } catch {
    // Told below.
  }
  throw foreign(message);
}

function foreign({ subject, sequence }: { readonly subject: string; readonly sequence: number }): Error {
  return new Internal(`Message ${sequence} under ${subject} was not written by Mayfly`, { subject, sequence });
}
