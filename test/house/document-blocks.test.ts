import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { program } from '../../src/cli/program.ts';
import { blocksIn, documentBlocks } from './document-blocks.ts';
import { ROOT, projectFiles, read } from './project-files.ts';

/** What holds a kind of block to what it says: a test by its file. */
interface Held {
  readonly info: string;
  readonly pages: RegExp;
  readonly by: string;
}

const TUTORIAL = /^docs\/tutorial\/\d\d-/;
const HELD: readonly Held[] = [
  { info: 'js runnable', pages: /./, by: 'test/house/examples.test.ts' },
  { info: 'sh runnable', pages: /./, by: 'test/house/examples.test.ts' },
  { info: 'sh token', pages: /^docs\/deploy\.md$/, by: 'test/house/examples.test.ts' },
  { info: 'json', pages: /^docs\/(audit|configuration|errors)\.md$/, by: 'test/house/examples.test.ts' },
  { info: 'sql', pages: /^docs\/audit\.md$/, by: 'test/house/examples.test.ts' },
  { info: 'js operator', pages: /^docs\/audit\.md$/, by: 'test/audit/nats-reader.test.ts' },
  { info: 'js reader', pages: /^docs\/audit\.md$/, by: 'test/audit/nats-reader.test.ts' },
  { info: 'yaml', pages: /^docs\/deploy\.md$/, by: 'test/deploy/kubernetes.test.ts' },
  { info: 'mermaid', pages: /^ARCHITECTURE\.md$/, by: 'test/machines/charts.test.ts' },
  ...['ts', 'py', 'sh', 'text'].map((info) => ({ info, pages: TUTORIAL, by: 'test/house/tutorial.test.ts' })),
  // They install, test or start everything; their scripts and files are looked up below.
  { info: 'sh', pages: /^(README|docs\/deploy|docs\/tutorial\/README)\.md$/, by: 'test/house/document-blocks.test.ts' },
];

/** Lines of code on a page: in its blocks, and between backquotes in its text. */
function codeOf(page: string): readonly string[] {
  const inline = [...page.replaceAll(/```[\s\S]*?```/g, '').matchAll(/`([^`\n]+)`/g)].map((match) => match[1] ?? '');
  return [...blocksIn(page).flatMap(({ text }) => text.split('\n')), ...inline].map((line) => line.trim());
}

const pages = projectFiles().filter((name) => name.endsWith('.md'));

describe('the blocks of the documents', () => {
  const blocks = documentBlocks();

  it('are each held to what they say by a test', () => {
    expect(blocks.length).toBeGreaterThan(40);
    const loose = blocks.filter(({ page, info }) => !HELD.some((held) => held.info === info && held.pages.test(page)));
    expect(loose.map(({ page, info, text }) => `${page}: ${info} ${text.slice(0, 40)}`)).toEqual([]);
    for (const { info, pages: where, by } of HELD) {
      expect(existsSync(path.join(ROOT, by)), by).toBe(true);
      expect(
        blocks.some((block) => block.info === info && where.test(block.page)),
        `${info} ${where}`,
      ).toBe(true);
    }
  });

  it('are whole where they are data', () => {
    for (const { info, text } of blocks) {
      if (info === 'json') expect(() => JSON.parse(text) as unknown, text).not.toThrow();
      if (info === 'yaml') expect(parseAllDocuments(text).flatMap(({ errors }) => errors)).toEqual([]);
    }
  });
});

describe('the commands of the documents', () => {
  it('call what is there: files by their path, and `mayfly` with commands and options it has', () => {
    const lines = pages.flatMap((page) => codeOf(read(page)));
    const files = lines.flatMap((line) => /^(?:sh |node )?\.?\/?((?:deploy|examples|tools)\/[\w./-]+)/.exec(line)?.[1] ?? []);
    expect(files.length).toBeGreaterThan(5);
    expect(files.filter((file) => !file.startsWith('deploy/secrets/') && !existsSync(path.join(ROOT, file)))).toEqual([]);

    const calls = lines.flatMap((line) => /^(?:\w+=\$\()?(mayfly|npm start --) .*/.exec(line)?.[0].replace(/^.*?(mayfly|npm start --)/, callOf) ?? []);
    expect(calls.length).toBeGreaterThan(8);
    expect(calls.filter((call) => !isKnown(call))).toEqual([]);
  });

  it('are noticed when `mayfly` does not know them', () => {
    expect(['serve --port 0', 'audit export --from 3', 'sessions'].map(isKnown)).toEqual([true, true, true]);
    expect(['serve --prot 0', 'audit exprot', 'sesions'].map(isKnown)).toEqual([false, false, false]);
  });
});

/** `npm start -- <flags>` is `mayfly serve <flags>`. */
function callOf(_all: string, called: string): string {
  return called === 'mayfly' ? '' : 'serve';
}

function isKnown(call: string): boolean {
  const words = call.trim().split(/[\s)]+/);
  let command = program();
  let at = 0;
  for (; command.commands.length > 0; at += 1) {
    const below = command.commands.find((one) => one.name() === words[at]);
    if (below === undefined) return false;
    command = below;
  }
  const options = new Set(command.options.map(({ long }) => long));
  return words.slice(at).every((word) => !word.startsWith('--') || options.has(word));
}
