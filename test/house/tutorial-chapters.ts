import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { inEmptyFolder, shellPrelude } from './examples.ts';
import { ROOT } from './project-files.ts';
import { pythonWith } from './python-packages.ts';

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
  return blocksOf(page, 'text').join('');
}

/** Passages of the page that are not in the program, or not in the page's order. */
export function strayPassages(page: string, program: string): readonly string[] {
  const source = withoutLayout(program);
  let from = 0;
  return blocksOf(page, '(?:ts|py|sh)').filter((passage) => {
    const wanted = withoutLayout(passage);
    const at = source.indexOf(wanted, from);
    if (at >= 0) from = at + wanted.length;
    return at < 0;
  });
}

export function passagesOf(page: string): readonly string[] {
  return blocksOf(page, '(?:ts|py|sh)');
}

function blocksOf(page: string, language: string): readonly string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map((match) => match[1] ?? '');
}

/** A passage stands on its page without the indentation of its place, so its lines may break elsewhere. */
function withoutLayout(text: string): string {
  return text.replaceAll(/\s+/g, '').replaceAll(/,(?=[)\]}])/g, '');
}

/** Session ids differ from run to run; a blank line at either end says nothing. */
export function comparable(text: string): string {
  return text.replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<session>').trim();
}

/** What the program prints, run as its page says, in an empty folder. `url` is that of a running node. */
export async function runChapter(chapter: Chapter, url: string): Promise<string> {
  const file = path.join(ROOT, 'examples', chapter);
  return inEmptyFolder(async (cwd) => {
    const [program, args] = await commandOf(chapter, file);
    const { stdout } = await run(program, args, { cwd, timeout: RUN_TIMEOUT_MS, env: { ...process.env, MAYFLY_URL: url } });
    return stdout;
  });
}

async function commandOf(chapter: Chapter, file: string): Promise<[string, string[]]> {
  switch (path.extname(chapter)) {
    case '.ts':
      return [process.execPath, [path.join(ROOT, 'dist/examples', chapter.replace(/\.ts$/, '.js'))]];
    case '.py':
      return [await pythonWith('examples/requirements.txt'), [file]];
    case '.sh':
      return ['sh', ['-c', `${await shellPrelude()}. "$0"`, file]];
    default:
      throw new Error(`There is no way to run ${chapter}`);
  }
}
