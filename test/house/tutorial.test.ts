import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ServedNode } from '../e2e/served-node.ts';
import { ROOT, read } from './project-files.ts';
import { chapters, comparable, pageOf, passagesOf, runChapter, shownOutput, strayPassages } from './tutorial-chapters.ts';

/** The first run fetches Python packages of some hundred megabytes. */
const CHAPTER_MS_MAX = 900_000;

const all = chapters();

describe('the tutorial', () => {
  let dataDir: string;
  let node: ServedNode;

  beforeAll(async () => {
    dataDir = await mkdtemp(path.join(tmpdir(), 'mayfly-tutorial-'));
    node = await ServedNode.start(dataDir);
  });

  afterAll(async () => {
    await node.end('SIGTERM');
    await rm(dataDir, { recursive: true, force: true });
  });

  it('counts its chapters from 1 on, each with a page that its first page names', () => {
    expect(all.map((chapter) => Number(chapter.slice(0, 2)))).toEqual(all.map((_, index) => index + 1));
    expect(all.length).toBeGreaterThan(9);
    const contents = read('docs/tutorial/README.md');
    for (const chapter of all) {
      expect(existsSync(path.join(ROOT, pageOf(chapter))), chapter).toBe(true);
      expect(contents).toContain(`(${path.basename(pageOf(chapter))})`);
      expect(read(pageOf(chapter))).toContain(`(../../examples/${chapter})`);
    }
  });

  it.each(all)('shows what %s prints', { timeout: CHAPTER_MS_MAX }, async (chapter) => {
    const shown = shownOutput(read(pageOf(chapter)));
    expect(shown.split('\n').length).toBeGreaterThan(3);
    expect(comparable(await runChapter(chapter, node.url))).toBe(comparable(shown));
  });

  it.each(all)('explains %s as it stands', (chapter) => {
    const page = read(pageOf(chapter));
    expect(passagesOf(page).length).toBeGreaterThan(1);
    expect(strayPassages(page, read(`examples/${chapter}`))).toEqual([]);
  });

  it('is held to its programs: a passage that was changed or moved is noticed', () => {
    const page = '```ts\nawait one();\n```\n\n```ts\nawait two(\n  1,\n);\n```\n';
    expect(strayPassages(page, '  await one();\n\n  await two(1);\n')).toEqual([]);
    expect(strayPassages(page, 'await one();\nawait two(2);\n')).toHaveLength(1);
    expect(strayPassages(page, 'await two(1);\nawait one();\n')).toHaveLength(1);
  });
});
