import { readFileSync } from 'node:fs';
import path from 'node:path';
import { documents } from '../../tools/docs.mjs';
import { ROOT } from './project-files.ts';

/** A fenced block of a page: what stands behind its fence, and its lines. */
export interface Block {
  readonly info: string;
  readonly text: string;
}

export function blocksIn(page: string): readonly Block[] {
  return [...page.matchAll(/^```(.*)\n([\s\S]*?)^```$/gm)].map(([, info = '', text = '']) => ({ info, text }));
}

/** The blocks of every document, each with its page as a path from the project's root. */
export function documentBlocks(): readonly (Block & { readonly page: string })[] {
  return documents().flatMap((file) => {
    const page = path.relative(ROOT, file);
    return blocksIn(readFileSync(file, 'utf8')).map((block) => ({ page, ...block }));
  });
}

/** Pages with a block of that kind. */
export function pagesWith(info: string): readonly string[] {
  return [...new Set(documentBlocks().flatMap((block) => (block.info === info ? [block.page] : [])))];
}
