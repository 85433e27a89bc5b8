/**
 * Every error a caller can meet, by stable code. HTTP status, retryability and class name all follow from the
 * code, so an error keeps its meaning across the worker pipe, the wire and the client.
 */

interface ErrorKind {
  /** HTTP status of the problem document. */
  readonly status: number;
  /** Whether the same call may succeed later without being changed. */
  readonly retryable: boolean;
  readonly title: string;
}

const kind = (status: number, title: string, retryable = false): ErrorKind => ({ status, title, retryable });

/** The one table of codes (contract: docs/errors.md). */
export const ERROR_KINDS = {
  no_tenant_binding: kind(400, 'No tenant is bound to this call'),
  unauthorized: kind(401, 'The token is missing or not valid'),
  forbidden: kind(403, 'This caller may not do that'),
  invalid_request: kind(400, 'The request is not valid'),
  invalid_name: kind(400, 'The table name is not valid'),
  name_too_long: kind(400, 'The table name is too long'),
  duplicate_table: kind(409, 'The session already has a table of that name'),
  unknown_table: kind(404, 'The session has no table of that name'),
  unknown_session: kind(404, 'There is no such session'),
  session_ended: kind(410, 'The session has ended'),
  schema_mismatch: kind(422, 'The batch does not match the table'),
  unsupported_type: kind(422, 'A column has a type that cannot be held'),
  value_out_of_range: kind(422, 'A value does not fit its column'),
  invalid_arrow: kind(400, 'The body is not a whole, valid Arrow stream'),
  invalid_rows: kind(400, 'The rows could not be read'),
  constraint_violation: kind(409, 'A constraint was violated; nothing was inserted'),
  query_error: kind(400, 'The statement failed'),
  statement_not_allowed: kind(403, 'The statement is not allowed in a session'),
  query_timeout: kind(422, 'The statement took longer than its timeout'),
  query_cancelled: kind(499, 'The statement was cancelled'),
  memory_limit_exceeded: kind(507, 'The session is over its memory limit'),
  session_busy: kind(429, 'The session has too many statements waiting', true),
  quota_exceeded: kind(429, 'A quota is used up', true),
  payload_too_large: kind(413, 'The body is too large'),
  unsupported_media_type: kind(415, 'The media type of the body is not supported'),
  not_acceptable: kind(406, 'None of the accepted media types can be produced'),
  idempotency_mismatch: kind(422, 'The idempotency key was used for another request'),
  not_found: kind(404, 'There is nothing here'),
  method_not_allowed: kind(405, 'The method is not allowed here'),
  partial_deletion_failure: kind(500, 'Some tables could not be proved deleted yet', true),
  lease_lost: kind(503, 'The node lost its lease on the session', true),
  node_draining: kind(503, 'The node is draining', true),
  unavailable: kind(503, 'The service is unavailable right now', true),
  data_dir_locked: kind(503, 'Another process holds the data directory'),
  internal: kind(500, 'Something went wrong inside Mayfly'),
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERROR_KINDS;

/** Structured fields of an error, e.g. `name`, `field`, `limit`; values are JSON. */
export type ErrorFields = Readonly<Record<string, unknown>>;

/** What crosses a process boundary: enough to rebuild the same class on the other side. */
export interface SerializedError {
  readonly code: ErrorCode;
  readonly detail: string;
  readonly fields?: ErrorFields;
}

/** The base of every error Mayfly throws on purpose. `message` says what happened and what to do about it. */
export class MayflyError extends Error {
  readonly code: ErrorCode;
  /** Structured fields named in the contract, e.g. `{ name, max }`; also readable on the error itself. */
  readonly fields: ErrorFields;

  constructor(code: ErrorCode, detail: string, fields: ErrorFields = {}, options?: ErrorOptions) {
    super(detail, options);
    this.code = code;
    this.fields = fields;
    const own = new Set(['name', 'message', 'stack', 'code', 'cause', 'fields']);
    for (const [key, value] of Object.entries(fields)) {
      if (!own.has(key)) Object.defineProperty(this, key, { value, enumerable: true });
    }
  }

  override get name(): string {
    return className(this.code);
  }

  get retryable(): boolean {
    return ERROR_KINDS[this.code].retryable;
  }

  get status(): number {
    return ERROR_KINDS[this.code].status;
  }

  serialize(): SerializedError {
    return { code: this.code, detail: this.message, fields: this.fields };
  }
}

function className(code: ErrorCode): string {
  return code.replace(/(^|_)([a-z])/g, (_all, _bar, letter: string) => letter.toUpperCase());
}

type ErrorClass = new (detail: string, fields?: ErrorFields, options?: ErrorOptions) => MayflyError;

function errorClass(code: ErrorCode): ErrorClass {
  const named = class extends MayflyError {
    constructor(detail: string, fields?: ErrorFields, options?: ErrorOptions) {
      super(code, detail, fields, options);
    }
  };
  Object.defineProperty(named, 'name', { value: className(code) });
  return named;
}

export const NoTenantBinding = errorClass('no_tenant_binding');
export const Unauthorized = errorClass('unauthorized');
export const Forbidden = errorClass('forbidden');
export const InvalidRequest = errorClass('invalid_request');
export const InvalidName = errorClass('invalid_name');
export const NameTooLong = errorClass('name_too_long');
export const DuplicateTable = errorClass('duplicate_table');
export const UnknownTable = errorClass('unknown_table');
export const UnknownSession = errorClass('unknown_session');
export const SessionEnded = errorClass('session_ended');
export const SchemaMismatch = errorClass('schema_mismatch');
export const UnsupportedType = errorClass('unsupported_type');
export const ValueOutOfRange = errorClass('value_out_of_range');
export const InvalidArrow = errorClass('invalid_arrow');
export const InvalidRows = errorClass('invalid_rows');
export const ConstraintViolation = errorClass('constraint_violation');
export const QueryError = errorClass('query_error');
export const StatementNotAllowed = errorClass('statement_not_allowed');
export const QueryTimeout = errorClass('query_timeout');
export const QueryCancelled = errorClass('query_cancelled');
export const MemoryLimitExceeded = errorClass('memory_limit_exceeded');
export const SessionBusy = errorClass('session_busy');
export const QuotaExceeded = errorClass('quota_exceeded');
export const PayloadTooLarge = errorClass('payload_too_large');
export const UnsupportedMediaType = errorClass('unsupported_media_type');
export const NotAcceptable = errorClass('not_acceptable');
export const IdempotencyMismatch = errorClass('idempotency_mismatch');
export const NotFound = errorClass('not_found');
export const MethodNotAllowed = errorClass('method_not_allowed');
export const PartialDeletionFailure = errorClass('partial_deletion_failure');
export const LeaseLost = errorClass('lease_lost');
export const NodeDraining = errorClass('node_draining');
export const Unavailable = errorClass('unavailable');
export const DataDirLocked = errorClass('data_dir_locked');
export const Internal = errorClass('internal');

/** The classes are made by one factory; their instances are typed by these names. */
export type NoTenantBinding = MayflyError;
export type Unauthorized = MayflyError;
export type Forbidden = MayflyError;
export type InvalidRequest = MayflyError;
export type InvalidName = MayflyError;
export type NameTooLong = MayflyError;
export type DuplicateTable = MayflyError;
export type UnknownTable = MayflyError;
export type UnknownSession = MayflyError;
export type SessionEnded = MayflyError;
export type SchemaMismatch = MayflyError;
export type UnsupportedType = MayflyError;
export type ValueOutOfRange = MayflyError;
export type InvalidArrow = MayflyError;
export type InvalidRows = MayflyError;
export type ConstraintViolation = MayflyError;
export type QueryError = MayflyError;
export type StatementNotAllowed = MayflyError;
export type QueryTimeout = MayflyError;
export type QueryCancelled = MayflyError;
export type MemoryLimitExceeded = MayflyError;
export type SessionBusy = MayflyError;
export type QuotaExceeded = MayflyError;
export type PayloadTooLarge = MayflyError;
export type UnsupportedMediaType = MayflyError;
export type NotAcceptable = MayflyError;
export type IdempotencyMismatch = MayflyError;
export type NotFound = MayflyError;
export type MethodNotAllowed = MayflyError;
export type PartialDeletionFailure = MayflyError;
export type LeaseLost = MayflyError;
export type NodeDraining = MayflyError;
export type Unavailable = MayflyError;
export type DataDirLocked = MayflyError;
export type Internal = MayflyError;

const CLASSES: Readonly<Record<ErrorCode, ErrorClass>> = {
  no_tenant_binding: NoTenantBinding,
  unauthorized: Unauthorized,
  forbidden: Forbidden,
  invalid_request: InvalidRequest,
  invalid_name: InvalidName,
  name_too_long: NameTooLong,
  duplicate_table: DuplicateTable,
  unknown_table: UnknownTable,
  unknown_session: UnknownSession,
  session_ended: SessionEnded,
  schema_mismatch: SchemaMismatch,
  unsupported_type: UnsupportedType,
  value_out_of_range: ValueOutOfRange,
  invalid_arrow: InvalidArrow,
  invalid_rows: InvalidRows,
  constraint_violation: ConstraintViolation,
  query_error: QueryError,
  statement_not_allowed: StatementNotAllowed,
  query_timeout: QueryTimeout,
  query_cancelled: QueryCancelled,
  memory_limit_exceeded: MemoryLimitExceeded,
  session_busy: SessionBusy,
  quota_exceeded: QuotaExceeded,
  payload_too_large: PayloadTooLarge,
  unsupported_media_type: UnsupportedMediaType,
  not_acceptable: NotAcceptable,
  idempotency_mismatch: IdempotencyMismatch,
  not_found: NotFound,
  method_not_allowed: MethodNotAllowed,
  partial_deletion_failure: PartialDeletionFailure,
  lease_lost: LeaseLost,
  node_draining: NodeDraining,
  unavailable: Unavailable,
  data_dir_locked: DataDirLocked,
  internal: Internal,
};

/** Rebuilds the typed error from what crossed a boundary; a code of a newer peer becomes `internal`. */
export function deserializeError(error: SerializedError, options?: ErrorOptions): MayflyError {
  const known = Object.hasOwn(CLASSES, error.code);
  const Class = known ? CLASSES[error.code] : Internal;
  return new Class(error.detail, known ? error.fields : { ...error.fields, code: error.code }, options);
}

/** Any thrown value as a `MayflyError`; a foreign one becomes `internal` with the original as its cause. */
export function asMayflyError(thrown: unknown): MayflyError {
  if (thrown instanceof MayflyError) return thrown;
  const detail = thrown instanceof Error ? thrown.message : String(thrown);
  return new Internal(`An unexpected error: ${detail}`, {}, { cause: thrown });
}
