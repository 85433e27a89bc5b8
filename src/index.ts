/** The public names of `mayfly`, one by one. */
export { Mayfly } from './mayfly.ts';
export type { MayflyHandle } from './client/mayfly-handle.ts';
export type { LifecycleOptions, OpenSessionOptions, TenantHandle } from './client/tenant-handle.ts';
export type { CreateTableOptions, SessionHandle, WorkOptions } from './client/session-handle.ts';
export type { ColumnsSpec } from './client/table-source.ts';
export type { SqlOptions } from './client/session-requests.ts';
export type { InsertData } from './client/insert-body.ts';
export type { SessionList, SessionsOptions } from './client/session-list.ts';
export type { ConnectOptions } from './client/connect.ts';
export { MAX_LOGICAL_NAME_LENGTH } from './domain/table-name.ts';
export { SESSION_LIFECYCLE_TOPIC } from './domain/lifecycle-record.ts';
export type { Counted, EndReason, Erasure, LifecycleDetails, LifecycleEvent, LifecycleRecord, Proof, TerminalEvent } from './domain/lifecycle-record.ts';
export type { DurationInput } from './domain/duration.ts';
export type { SessionId } from './domain/ids.ts';
export type { PhysicalId } from './domain/table-name.ts';
export type { ClosedSessions, ColumnSpec, ColumnView, LifecycleEntry, SessionState, SessionView, TableDetails, TableView } from './domain/gateway.ts';
export type { ErrorCode, ErrorFields } from './domain/errors.ts';
export {
  MayflyError,
  NoTenantBinding,
  Unauthorized,
  Forbidden,
  InvalidRequest,
  InvalidName,
  NameTooLong,
  DuplicateTable,
  UnknownTable,
  UnknownSession,
  SessionEnded,
  SchemaMismatch,
  UnsupportedType,
  ValueOutOfRange,
  InvalidArrow,
  InvalidRows,
  ConstraintViolation,
  QueryError,
  StatementNotAllowed,
  QueryTimeout,
  QueryCancelled,
  MemoryLimitExceeded,
  SessionBusy,
  QuotaExceeded,
  PayloadTooLarge,
  UnsupportedMediaType,
  NotAcceptable,
  IdempotencyMismatch,
  NotFound,
  MethodNotAllowed,
  PartialDeletionFailure,
  LeaseLost,
  NodeDraining,
  Unavailable,
  DataDirLocked,
  Internal,
} from './domain/errors.ts';
