import { CommanderError } from 'commander';
import { MayflyError } from '../domain/errors.ts';

/** 0 done, 1 failed, 2 wrong usage. */
export type ExitCode = 0 | 1 | 2;

/** A command that was called wrongly: a flag, variable or config file that cannot be right. */
export class WrongUsage extends Error {
  constructor(cause: MayflyError) {
    super(describe(cause), { cause });
  }
}

/** Runs what only reads the caller's words, so that its refusals count as wrong usage. */
export async function asUsage<T>(read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw error instanceof MayflyError ? new WrongUsage(error) : error;
  }
}

export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  return error instanceof WrongUsage ? 2 : 1;
}

/** What goes to standard error, `code: message`; undefined for what commander has already said. */
export function complaintOf(error: unknown): string | undefined {
  if (error instanceof CommanderError) return undefined;
  return error instanceof WrongUsage ? error.message : describe(error);
}

function describe(error: unknown): string {
  if (error instanceof MayflyError) return `${error.code}: ${error.message}`;
  return `internal: ${error instanceof Error ? error.message : String(error)}`;
}
