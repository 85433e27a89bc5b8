import { InvalidRequest } from './errors.ts';

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const PARTS = /(\d+(?:\.\d+)?)(ms|s|m|h|d)/y;

/** A duration as callers give it: milliseconds, or a text such as `"30m"` or `"1h30m"`. */
export type DurationInput = number | string;

/**
 * Milliseconds, a whole number above 0.
 * @throws InvalidRequest naming `field` for anything else
 */
export function parseDuration(input: DurationInput, field: string): number {
  const ms = typeof input === 'number' ? input : typeof input === 'string' ? parseText(input) : Number.NaN;
  if (!Number.isSafeInteger(ms) || ms <= 0) {
    throw new InvalidRequest(`"${String(input)}" is not a duration: give whole milliseconds above 0, or a text such as "30m" or "1h30m"`, { field });
  }
  return ms;
}

function parseText(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  let total = 0;
  PARTS.lastIndex = 0;
  while (PARTS.lastIndex < text.length) {
    const match = PARTS.exec(text);
    if (match === null) return Number.NaN;
    total += Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS];
  }
  return text === '' ? Number.NaN : Math.round(total);
}
