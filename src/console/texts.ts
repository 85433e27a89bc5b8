const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const counts = new Intl.NumberFormat('en');
const times = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const days = new Intl.DateTimeFormat('en-GB', { day: '2-digit', month: 'short' });

/** The two largest units of a duration in ms. */
export function durationText(ms: number): string {
  const left = Math.max(0, ms);
  if (left >= DAY_MS) return pair(left, DAY_MS, 'd', HOUR_MS, 'h');
  if (left >= HOUR_MS) return pair(left, HOUR_MS, 'h', MINUTE_MS, 'm');
  if (left >= MINUTE_MS) return pair(left, MINUTE_MS, 'm', SECOND_MS, 's');
  return `${Math.floor(left / SECOND_MS)} s`;
}

function pair(ms: number, large: number, largeUnit: string, small: number, smallUnit: string): string {
  const rest = Math.floor((ms % large) / small);
  return `${Math.floor(ms / large)} ${largeUnit}${rest === 0 ? '' : ` ${rest} ${smallUnit}`}`;
}

export function numberText(count: number): string {
  return counts.format(count);
}

export function countText(count: number, one: string, many = `${one}s`): string {
  return `${numberText(count)} ${count === 1 ? one : many}`;
}

/** The time of day, with the day when it is not today. */
export function timeText(iso: string): string {
  const at = new Date(iso);
  const time = times.format(at);
  return at.toDateString() === new Date().toDateString() ? time : `${days.format(at)} ${time}`;
}

export const shortId = (id: string): string => id.slice(0, 8);

/** States and events as people read them: `timed_out` is "timed out". */
export const wordsOf = (name: string): string => name.replaceAll('_', ' ');
