import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { blocksIn } from './document-blocks.ts';
import { inEmptyFolder } from './examples.ts';
import { ROOT } from './project-files.ts';
import { pathWithPython } from './python-packages.ts';

const run = promisify(execFile);
const RUN_TIMEOUT_MS = 60_000;

/** A program of `examples/`, such as `01-first-session.ts`, which the page of the same name explains. */
export type Chapter = string;

export function chapters(): readonly Chapter[] {
  return readdirSync(path.join(ROOT, 'examples'))
    .filter((name) => /^\d\d-/.test(name))
    .sort();
}

export function pageOf(chapter: Chapter): string {
  return `docs/tutorial/${path.parse(chapter).name}.md`;
}

/** What the page says that the program prints. */
export function shownOutput(page: string): string {
  return textsOf(page, ['text']).join('');
}

/** Passages of its program that the page shows. */
export function passagesOf(page: string): readonly string[] {
  return textsOf(page, ['ts', 'py', 'sh']);
}

/** Those that are not in the program, or not in the page's order. */
export function strayPassages(page: string, program: string): readonly string[] {
  const source = withoutLayout(program);
  let from = 0;
  return passagesOf(page).filter((passage) => {
    const wanted = withoutLayout(passage);
    const at = source.indexOf(wanted, from);
    if (at >= 0) from = at + wanted.length;
    return at < 0;
  });
}

function textsOf(page: string, infos: readonly string[]): readonly string[] {
  return blocksIn(page).flatMap(({ info, text }) => (infos.includes(info) ? [text] : []));
}

/** A passage stands on its page without the indentation of its place, so its lines may break elsewhere. */
function withoutLayout(text: string): string {
  return text.replaceAll(/\s+/g, '').replaceAll(/,(?=[)\]}])/g, '');
}

/** Session ids differ from run to run; a blank line at either end says nothing. */
export function comparable(text: string): string {
  return text.replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<session>').trim();
}

/** What `npm run example <number>` prints in an empty folder, but for npm's own lines. `url` is that of a running node. */
export async function runChapter(chapter: Chapter, url: string): Promise<string> {
  const search = chapter.endsWith('.py') ? await pathWithPython(path.join(ROOT, 'examples/requirements.txt')) : process.env['PATH'];
  return inEmptyFolder(async (cwd) => {
    const env = { ...process.env, PATH: search, MAYFLY_URL: url };
    const { stdout } = await run(process.execPath, [path.join(ROOT, 'tools/example.mjs'), chapter.slice(0, 2)], { cwd, timeout: RUN_TIMEOUT_MS, env });
    return stdout;
  });
}
