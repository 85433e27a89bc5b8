import { describe, expect, it } from 'vitest';
import { read } from '../house/project-files.ts';

/** WCAG 2 asks this much of text of any size. */
const RATIO_MIN = 4.5;
/** A colour of text, and the grounds it is set on. */
const PAIRS: Readonly<Record<string, readonly string[]>> = {
  text: ['ground', 'panel', 'sunk', 'accent-soft', 'danger-soft', 'grey-soft'],
  quiet: ['ground', 'panel', 'sunk', 'accent-soft', 'danger-soft'],
  accent: ['panel', 'accent-soft'],
  'on-accent': ['accent'],
  danger: ['panel', 'danger-soft'],
  blue: ['blue-soft', 'sunk', 'panel'],
  green: ['green-soft', 'panel'],
  amber: ['amber-soft'],
  violet: ['violet-soft'],
  grey: ['grey-soft'],
};

const [light = '', dark = ''] = read('src/console/style.css').split('@media (prefers-color-scheme: dark)');
const colours = (css: string): ReadonlyMap<string, string> =>
  new Map([...css.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name = '', hex = '']) => [name, hex]));

function luminance(hex: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const share = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return share <= 0.040_45 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(a: string, b: string): number {
  const [low = 0, high = 0] = [luminance(a), luminance(b)].toSorted((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

describe.each([
  ['light', colours(light)],
  ['dark', colours(dark)],
] as const)('the colours of the console by %s', (_scheme, known) => {
  it.each(Object.keys(PAIRS))('let %s be read on every ground it is set on', (name) => {
    for (const ground of PAIRS[name] ?? []) expect(contrast(known.get(name) ?? '', known.get(ground) ?? ''), `${name} on ${ground}`).toBeGreaterThan(RATIO_MIN);
  });
});

it('contrast is what its definition says', () => {
  expect(contrast('#000000', '#ffffff')).toBeCloseTo(21, 5);
  expect(contrast('#777777', '#ffffff')).toBeCloseTo(4.48, 2);
});
