import { destination, pino } from 'pino';
import type { Log } from '../ports/log.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** JSON lines to standard error; standard output belongs to what a command prints. */
export function createLog(level: LogLevel, base: Readonly<Record<string, unknown>> = {}): Log {
  return pino({ level, base: { ...base }, timestamp: () => `,"time":"${new Date().toISOString()}"` }, destination({ fd: 2, sync: true }));
}
