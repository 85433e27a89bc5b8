import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { onTestFinished } from 'vitest';

const built = pathToFileURL(createRequire(import.meta.url).resolve('mayfly/worker'));

const PRELUDE = `
const { openEmbedded } = await import('${new URL('../embedded/embedded.js', built).href}');
const { SystemClock } = await import('${new URL('../embedded/system-clock.js', built).href}');
const { RandomIds } = await import('${new URL('../embedded/random-ids.js', built).href}');
const { spawn } = await import('node:child_process');
const { writeFileSync } = await import('node:fs');
const say = (value) => process.stdout.write(JSON.stringify(value) + '\\n');
const open = (dataDir) => openEmbedded({ dataDir, clock: new SystemClock(), ids: new RandomIds() });
`;

export interface NodeProcess {
  readonly child: ChildProcessByStdio<null, Readable, null>;
  /** The next line it said; undefined at its end. */
  next(): Promise<unknown>;
  /** Kills it as nothing can catch, and waits until it is gone. */
  kill(): Promise<void>;
}

/** A process of its own that runs `script` over the built adapters: `open(dataDir)`, `say(value)`. */
export function startProcess(script: string): NodeProcess {
  const child = spawn(process.execPath, ['--input-type=module', '-e', PRELUDE + script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
  };
  onTestFinished(kill);
  return {
    child,
    kill,
    next: async () => {
      const line = await lines.next();
      return line.done === true ? undefined : (JSON.parse(line.value) as unknown);
    },
  };
}
