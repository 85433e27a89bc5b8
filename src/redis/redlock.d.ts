/** The package's own types are out of reach under NodeNext; these are the parts that are used. */
declare module 'redlock' {
  /** What it needs of a client. */
  export interface Client {
    evalsha(sha1: string, keys: number, keysAndArgs: readonly (string | number)[]): Promise<unknown>;
    eval(script: string, keys: number, keysAndArgs: readonly (string | number)[]): Promise<unknown>;
  }

  export interface Settings {
    readonly driftFactor: number;
    /** -1 is for ever. */
    readonly retryCount: number;
  }

  interface ExecutionStats {
    readonly membershipSize: number;
    readonly quorumSize: number;
    readonly votesFor: ReadonlySet<Client>;
    readonly votesAgainst: ReadonlyMap<Client, Error>;
  }

  export class ResourceLockedError extends Error {}

  export class ExecutionError extends Error {
    readonly attempts: readonly Promise<ExecutionStats>[];
  }

  export class Lock {
    release(): Promise<unknown>;
  }

  export default class Redlock {
    constructor(clients: Iterable<Client>, settings?: Partial<Settings>);
    /** `durationMs` is a whole number. */
    acquire(resources: string[], durationMs: number): Promise<Lock>;
  }
}
