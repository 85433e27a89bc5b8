import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { SETTINGS, SETTING_KEYS, variableOf } from '../../src/config-table.ts';
import { ERROR_KINDS } from '../../src/domain/errors.ts';
import { createMetrics } from '../../src/observe/metrics.ts';
import { documents, withGeneratedParts } from '../../tools/docs.mjs';
import { ROOT, read } from './project-files.ts';

const pages = documents().map((file) => ({ file, name: path.relative(ROOT, file), text: readFileSync(file, 'utf8') }));

/** Links of a page that lead inside the project. */
function links(text: string): readonly string[] {
  const prose = text.replaceAll(/```[\s\S]*?```/g, '').replaceAll(/`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? '').filter((link) => !/^(https?|mailto):/.test(link));
}

function anchors(text: string): readonly string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map((match) =>
    (match[1] ?? '')
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}

describe('the documents', () => {
  it.each(pages)('$name has its generated parts up to date; `npm run docs` mends it', ({ text }) => {
    expect(withGeneratedParts(text)).toBe(text);
  });

  it('are held to what they generate: a changed line is noticed', () => {
    const text = read('docs/errors.md');
    expect(withGeneratedParts(text.replace('| 404 |', '| 405 |'))).toBe(text);
  });

  it.each(pages)('$name leads nowhere that is not there', ({ file, text }) => {
    for (const link of links(text)) {
      const [target = '', anchor] = link.split('#');
      const to = target === '' ? file : path.resolve(path.dirname(file), target);
      expect(existsSync(to), link).toBe(true);
      if (anchor !== undefined) expect(anchors(readFileSync(to, 'utf8')), link).toContain(anchor);
    }
  });

  it('lead to every page from the README, to a chapter of the tutorial by way of its first page', () => {
    const tutorial = links(read('docs/tutorial/README.md')).map((link) => path.join('docs/tutorial', link));
    const reached = new Set([...links(read('README.md')), ...tutorial]);
    for (const { name } of pages) if (name !== 'README.md') expect(reached, name).toContain(name);
  });

  it('explain every error code', () => {
    const text = read('docs/errors.md');
    expect(Object.keys(ERROR_KINDS).filter((code) => !text.includes(`| \`${code}\` |`))).toEqual([]);
  });

  it('explain every setting', () => {
    const text = read('docs/configuration.md');
    expect(SETTING_KEYS.length).toBeGreaterThan(20);
    expect(SETTING_KEYS.filter((key) => !text.includes(`\`${variableOf(SETTINGS[key].name)}\``))).toEqual([]);
  });

  it('explain every metric of Mayfly, and none that is not there', async () => {
    const { text } = await createMetrics().render();
    const kept = [...text.matchAll(/^# TYPE (mayfly_\w+)/gm)].map((match) => match[1]);
    const explained = [...read('docs/operations.md').matchAll(/^\| `(mayfly_\w+)`/gm)].map((match) => match[1]);
    expect(kept.length).toBeGreaterThan(4);
    expect(new Set(explained)).toEqual(new Set(kept));
  });

  it('name every invariant', () => {
    const text = read('ARCHITECTURE.md');
    for (let number = 1; number <= 8; number += 1) expect(text).toMatch(new RegExp(`^\\| I${number} `, 'm'));
  });
});
