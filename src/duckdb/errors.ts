import {
  ConstraintViolation,
  Internal,
  InvalidRequest,
  MayflyError,
  MemoryLimitExceeded,
  QueryCancelled,
  QueryError,
  StatementNotAllowed,
  ValueOutOfRange,
} from '../domain/errors.ts';

/** What DuckDB says of an error: with `errors_as_json` an object, from the appender a plain text with its type before it. */
interface EngineError {
  readonly type: string;
  readonly message: string;
}

function engineError(text: string): EngineError {
  const brace = text.indexOf('{"exception_type"');
  if (brace >= 0) {
    try {
      const { exception_type: type, exception_message: message } = JSON.parse(text.slice(brace)) as Record<string, unknown>;
      return { type: String(type), message: String(message) };
    } catch {
      return { type: 'unknown', message: text };
    }
  }
  const match = /^(?:.*?)(Constraint|Conversion|Out of Range|Out of Memory|INTERRUPT|FATAL|INTERNAL|Permission)\s+Error:\s*/s.exec(text);
  return match === null ? { type: 'unknown', message: text } : { type: match[1]!, message: text.slice(match[0].length) };
}

/**
 * Any error met while DuckDB worked, as the caller's error.
 * @param doing `insert` tells a value that does not fit its column from a statement that failed
 */
export function mapEngineError(thrown: unknown, doing: 'insert' | 'statement'): MayflyError {
  if (thrown instanceof MayflyError) return thrown;
  const { type, message } = engineError(thrown instanceof Error ? thrown.message : String(thrown));
  const cause = { cause: thrown };
  switch (type.toUpperCase()) {
    case 'CONSTRAINT':
      return new ConstraintViolation(message, {}, cause);
    case 'OUT OF MEMORY':
      // What follows advises settings, which no session may change.
      return new MemoryLimitExceeded(`The session's memory limit was reached: ${message.split('\n', 1)[0]}`, {}, cause);
    case 'INTERRUPT':
      return new QueryCancelled('The statement was interrupted; nothing of it was kept', {}, cause);
    case 'PERMISSION':
      return new StatementNotAllowed(message, {}, cause);
    case 'FATAL':
    case 'INTERNAL':
      return new Internal(`DuckDB failed: ${message}`, {}, cause);
    case 'INVALID TYPE':
      // A list or a structure as a key.
      if (!message.includes('index key')) return new QueryError(message, {}, cause);
      return new InvalidRequest(`The primary key has a column of a type that no key can have: ${message}`, { field: 'primary_key' }, cause);
    case 'CONVERSION':
    case 'OUT OF RANGE':
      return doing === 'insert' ? new ValueOutOfRange(message, {}, cause) : new QueryError(message, {}, cause);
    default:
      return new QueryError(message, {}, cause);
  }
}
