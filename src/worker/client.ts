import { spawn, type ChildProcess } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import type { Duplex, Readable } from 'node:stream';
import { deserializeError, QueryCancelled, Unavailable, type SerializedError } from '../domain/errors.ts';
import type { ByteStream } from '../domain/gateway.ts';
import type { ServingWindow } from '../domain/serving-window.ts';
import type { TableCount } from '../ports/lease-store.ts';
import type { WorkerLoss } from '../ports/table-engine.ts';
import type { WorkerProcess } from '../ports/worker-process.ts';
import { FRAME, type Frame } from './frames.ts';
import type { LifePort } from './life-port.ts';
import { SETTINGS_VARIABLE, type NoteReply, type CallOf, type WorkerCall, type WorkerSettings } from './input.ts';
import type { WorkerResults } from './output.ts';
import { IncomingBody, SendWindow, Wire } from './wire.ts';

const LINE_MAX_CHARS = 4_096;
const LINES_MAX = 1_000;
/** Threads for DuckDB beside one for each session: the judge, files, and the end of work that was interrupted. */
const SPARE_THREADS = 4;

/** A young generation of the default size takes 48 MB that the bound on a worker's memory has no room for. */
const NODE_FLAGS = ['--expose-gc', '--max-semi-space-size=2'];

export interface CallOptions {
  readonly body?: ByteStream;
  readonly noteCount?: (count: TableCount) => Promise<void>;
}

/** A call under way. `answered` settles first; `ended` resolves when the answer's last byte was read, or it failed. */
export interface RunningCall<Name extends WorkerCall['call']> {
  readonly answered: Promise<WorkerResults[Name]>;
  readonly answer: ByteStream;
  readonly ended: Promise<void>;
  cancel(): void;
}

interface Pending {
  readonly hasAnswer: boolean;
  readonly answer: IncomingBody;
  readonly window: SendWindow;
  readonly options: CallOptions;
  resolve(result: unknown): void;
  reject(error: Error): void;
  end(): void;
}

/** The node's side of one worker process. Every pending call fails when the process ends. */
export class WorkerClient implements WorkerProcess {
  readonly pid: number | undefined;
  readonly ready: Promise<void>;
  readonly exited: Promise<WorkerLoss>;
  readonly #child: ChildProcess;
  readonly #wire: Wire;
  readonly #windowBytes: number;
  readonly #pending = new Map<number, Pending>();
  readonly #onExit = new Set<(loss: WorkerLoss) => void>();
  #hasExited = false;
  #lastId = 0;
  #loss: WorkerLoss | undefined;
  #onReady: () => void = () => undefined;

  constructor(settings: WorkerSettings, onLine: (line: string) => void, lifePort?: LifePort) {
    this.#windowBytes = settings.windowBytes;
    this.#child = spawn(process.execPath, [...NODE_FLAGS, createRequire(import.meta.url).resolve('mayfly/worker')], {
      stdio: ['ignore', 'pipe', 'pipe', 'pipe', ...(lifePort === undefined ? [] : [lifePort.descriptor])],
      env: workerEnvironment(settings),
    });
    this.pid = this.#child.pid;
    forwardLines(this.#child, onLine);
    this.#wire = new Wire(
      this.#child.stdio[3] as Duplex,
      (frame) => this.#take(frame),
      () => this.kill('exited', 'its pipe was closed'),
    );
    this.exited = new Promise((resolve) => {
      // Whoever hears of the loss may say that what it spilled is gone (I6).
      const end = async (how: string): Promise<void> => {
        await rm(settings.spillFolder, { recursive: true, force: true }).catch(() => undefined);
        const loss = this.#noteEnd(how);
        resolve(loss);
        this.#hasExited = true;
        for (const tell of this.#onExit) tell(loss);
        // Its sessions hear of the loss before the calls that it cut off, which can then tell of their session's end.
        setImmediate(() => this.#cutOff());
      };
      this.#child.once('error', (error) => void end(error.message));
      this.#child.once('exit', (code, signal) => void end(signal === null ? `exit code ${code}` : `signal ${signal}`));
    });
    this.ready = new Promise((resolve, reject) => {
      this.#onReady = resolve;
      void this.exited.then(({ detail }) => reject(new Unavailable(`A worker ended before it was ready: ${detail}`)));
    });
    // Whoever waits for it hears of it.
    this.ready.catch(() => undefined);
  }

  start<Name extends WorkerCall['call']>(call: CallOf<Name>, options: CallOptions = {}): RunningCall<Name> {
    const id = this.#nextId();
    let settle: Pick<Pending, 'resolve' | 'reject' | 'end'> | undefined;
    let end: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const answered = new Promise<WorkerResults[Name]>((resolve, reject) => {
      settle = { resolve: (result) => resolve(result as WorkerResults[Name]), reject, end };
    });
    const answer = new IncomingBody(
      (bytes) => this.#wire.sendCredit(id, bytes),
      () => this.#wire.send(FRAME.cancel, id),
      this.#windowBytes,
    );
    const pending: Pending = { hasAnswer: call.call === 'query', answer, window: new SendWindow(this.#windowBytes), options, ...settle! };
    if (this.#loss !== undefined) {
      pending.reject(this.#lossError());
      end();
    } else {
      this.#pending.set(id, pending);
      this.#sendCall(id, call, options.body, pending.window);
    }
    return { answered, answer, ended, cancel: () => this.#wire.send(FRAME.cancel, id) };
  }

  /** Tells of the process's end, until that is taken back: what waits for `exited` is kept for as long as the process runs. */
  onExit(tell: (loss: WorkerLoss) => void): () => void {
    // What the pipe still held may be heard after the end.
    if (this.#hasExited) void this.exited.then(tell);
    this.#onExit.add(tell);
    return () => this.#onExit.delete(tell);
  }

  /** Whether it takes no call any more, be its end told or not. */
  get isGone(): boolean {
    return this.#loss !== undefined || this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  serveWithin(window: ServingWindow): void {
    this.#wire.sendJson(FRAME.window, 0, window);
  }

  stop(): void {
    this.#loss ??= { cause: 'exited', detail: 'it was stopped' };
    this.#wire.end();
  }

  kill(cause: WorkerLoss['cause'], detail: string): void {
    this.#loss ??= { cause, detail };
    this.#child.kill('SIGKILL');
  }

  #take({ kind, id, payload }: Frame): void {
    if (kind === FRAME.ready) return this.#onReady();
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    if (kind === FRAME.result) {
      pending.resolve(json(payload));
      if (!pending.hasAnswer) this.#forget(id, pending);
    } else if (kind === FRAME.failure) {
      pending.reject(deserializeError(json<SerializedError>(payload)));
      this.#forget(id, pending);
    } else if (kind === FRAME.body) {
      pending.answer.push(payload);
    } else if (kind === FRAME.bodyEnd) {
      pending.answer.end();
      this.#forget(id, pending);
    } else if (kind === FRAME.bodyFailure) {
      pending.answer.fail(deserializeError(json<SerializedError>(payload)));
      this.#forget(id, pending);
    } else if (kind === FRAME.credit) {
      pending.window.credit(Buffer.from(payload).readUInt32LE(0));
    } else if (kind === FRAME.cancel) {
      pending.window.fail(() => new QueryCancelled('The worker does not read on'));
    } else if (kind === FRAME.note) {
      void this.#note(id, pending, json<TableCount>(payload));
    }
  }

  #sendCall(id: number, call: WorkerCall, body: ByteStream | undefined, window: SendWindow): void {
    if (body === undefined) return this.#wire.sendJson(FRAME.call, id, call);
    this.#wire.sendHead(FRAME.call, id, call);
    void this.#wire.sendBody(id, body, window);
  }

  async #note(id: number, { options }: Pending, count: TableCount): Promise<void> {
    let reply: NoteReply = {};
    try {
      await options.noteCount?.(count);
    } catch (error) {
      reply = { refused: error instanceof Error ? error.message : String(error) };
    }
    this.#wire.sendJson(FRAME.noteReply, id, reply);
  }

  #forget(id: number, pending: Pending): void {
    this.#pending.delete(id);
    pending.window.fail(() => new QueryCancelled('The call is over'));
    pending.end();
  }

  #noteEnd(how: string): WorkerLoss {
    this.#loss = this.#loss === undefined ? { cause: 'exited', detail: how } : { ...this.#loss, detail: `${this.#loss.detail} (${how})` };
    return this.#loss;
  }

  #cutOff(): void {
    const error = this.#lossError();
    for (const [id, pending] of this.#pending) {
      pending.reject(error);
      pending.answer.fail(error);
      this.#forget(id, pending);
    }
    this.#wire.destroy();
  }

  #lossError(): Error {
    return new Unavailable(`The session's worker process is gone: ${this.#loss?.detail ?? 'unknown'}`, { cause: this.#loss?.cause });
  }

  #nextId(): number {
    do {
      this.#lastId = (this.#lastId + 1) >>> 0;
    } while (this.#pending.has(this.#lastId));
    return this.#lastId;
  }
}

/** A worker needs none of the node's secrets. */
function workerEnvironment(settings: WorkerSettings): NodeJS.ProcessEnv {
  const { PATH, HOME, LD_LIBRARY_PATH } = process.env;
  return {
    PATH,
    HOME,
    LD_LIBRARY_PATH,
    TZ: 'UTC',
    // Each of glibc's arenas keeps freed memory to itself.
    MALLOC_ARENA_MAX: '2',
    UV_THREADPOOL_SIZE: String(settings.sessionsMax + SPARE_THREADS),
    [SETTINGS_VARIABLE]: JSON.stringify(settings),
  };
}

/** What is written beyond the bounds is read and thrown away: a full pipe would stop the worker. */
function forwardLines(child: ChildProcess, onLine: (line: string) => void): void {
  let lines = 0;
  for (const output of [child.stdout, child.stderr] as Readable[]) {
    createInterface({ input: output }).on('line', (line) => {
      if (lines++ < LINES_MAX) onLine(line.slice(0, LINE_MAX_CHARS));
    });
  }
}

function json<T>(payload: Uint8Array): T {
  return JSON.parse(Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString()) as T;
}
