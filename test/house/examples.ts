import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { blocksIn } from './document-blocks.ts';
import { ROOT, read } from './project-files.ts';

const run = promisify(execFile);
const RUN_TIMEOUT_MS = 60_000;

/** The examples of one page in one language, as the one program they make, and what they say it prints. */
export interface Example {
  readonly page: string;
  readonly program: string;
  /** Texts of `// → …` and `# → …`, in order. */
  readonly promised: readonly string[];
}

/** Fenced blocks marked `runnable`. A block builds on the ones before it on the same page. */
export function exampleOf(page: string, language: 'js' | 'sh'): Example {
  const program = textsOf(page, `${language} runnable`).join('\n');
  return { page, program, promised: [...program.matchAll(/(?:\/\/|#) → (.+)$/gm)].map((match) => match[1] ?? '') };
}

/** The blocks of a page that stand behind such a fence. */
export function textsOf(page: string, info: string): readonly string[] {
  return blocksIn(read(page)).flatMap((block) => (block.info === info ? [block.text] : []));
}

export interface Printed {
  readonly text: string;
  /** Promises that the text does not keep, in order. */
  readonly broken: readonly string[];
}

/** Runs a page's JavaScript as a module of a program that depends on `mayfly`, in an empty folder. */
export async function runScript({ page, program, promised }: Example): Promise<Printed> {
  // Under dist/, so that the package finds itself by its name; the build output is what a user gets.
  const folder = path.join(ROOT, 'dist/documents');
  await mkdir(folder, { recursive: true });
  const file = path.join(folder, `${path.basename(page, '.md').toLowerCase()}.mjs`);
  await writeFile(file, program);
  return inEmptyFolder(async (cwd) => printed(await run(process.execPath, [file], { cwd, timeout: RUN_TIMEOUT_MS }), promised));
}

/** Runs a page's shell script against the node at `url`; then looks at the folder it ran in, while that is there. */
export async function runShell({ program, promised }: Example, url: string, look?: (cwd: string) => Promise<void>): Promise<Printed> {
  return inEmptyFolder(async (cwd) => {
    const node = `node() { ${quoted(process.execPath)} "$@"; }\n`;
    const mayfly = `mayfly() { node ${quoted(path.join(ROOT, 'dist/src/cli/main.js'))} "$@"; }\n`;
    const script = `set -eu\n${node}${mayfly}${program.replaceAll('http://127.0.0.1:7464', url)}`;
    const ran = printed(await run('sh', ['-c', script], { cwd, timeout: RUN_TIMEOUT_MS }), promised);
    await look?.(cwd);
    return ran;
  });
}

function printed({ stdout }: { readonly stdout: string }, promised: readonly string[]): Printed {
  let from = 0;
  const broken = promised.filter((text) => {
    const at = stdout.indexOf(text, from);
    if (at >= 0) from = at + text.length;
    return at < 0;
  });
  return { text: stdout, broken };
}

export async function inEmptyFolder<T>(work: (cwd: string) => Promise<T>): Promise<T> {
  const cwd = await mkdtemp(path.join(tmpdir(), 'mayfly-example-'));
  try {
    return await work(cwd);
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
