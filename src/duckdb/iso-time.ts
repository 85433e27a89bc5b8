const DATE = /^(\d{4,7})-(\d\d)-(\d\d)( \(BC\))?$/;
const TIME = /^(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?$/;
const TIMESTAMP = /^(\d{4,7}-\d\d-\d\d(?: \(BC\))?)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?))?(Z|[+-]\d\d(?::?\d\d)?)?$/;
const MS_PER_DAY = 86_400_000;
const DAYS_PER_400_YEARS = 146_097;
const NANOS_PER_SECOND = 1_000_000_000n;
const NANOS_PER_DAY = 86_400n * NANOS_PER_SECOND;
const INFINITE_DAYS = 2 ** 31 - 1;

/** Days since 1970-01-01 of an ISO date, with ` (BC)` for years before 1, of `infinity` or `-infinity`; undefined for any other text. */
export function daysOfDate(text: string): number | undefined {
  if (text === 'infinity') return INFINITE_DAYS;
  if (text === '-infinity') return -INFINITE_DAYS;
  const [, yearText, monthText, dayText, era] = DATE.exec(text) ?? [];
  const [written, month, day] = [Number(yearText), Number(monthText), Number(dayText)];
  if (yearText === undefined || written === 0) return undefined;
  const year = era === undefined ? written : 1 - written;
  const cycles = Math.floor(year / 400); // `Date` ends before DuckDB does, and cycles of 400 years are alike
  const date = new Date(0);
  date.setUTCFullYear(2_000 + year - cycles * 400, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  const days = date.getTime() / MS_PER_DAY + (cycles - 5) * DAYS_PER_400_YEARS;
  return Math.abs(days) < INFINITE_DAYS ? days : undefined;
}

/** Nanoseconds since midnight; undefined for any other text. */
export function nanosOfTime(text: string): bigint | undefined {
  const [, hours, minutes, seconds = '00', fraction = ''] = TIME.exec(text) ?? [];
  if (hours === undefined || Number(minutes) > 59 || Number(seconds) > 59) return undefined;
  const whole = BigInt(hours) * 3_600n + BigInt(minutes!) * 60n + BigInt(seconds);
  const nanos = whole * NANOS_PER_SECOND + BigInt(fraction.padEnd(9, '0'));
  return nanos <= NANOS_PER_DAY ? nanos : undefined;
}

/** Nanoseconds since the epoch; a zone is wanted when `zoned`, and refused otherwise. */
export function nanosOfTimestamp(text: string, zoned: boolean): bigint | undefined {
  const [, date, time = '00:00', zone] = TIMESTAMP.exec(text) ?? [];
  if (date === undefined || (zone !== undefined) !== zoned) return undefined;
  const days = daysOfDate(date);
  const nanos = nanosOfTime(time);
  if (days === undefined || nanos === undefined) return undefined;
  return BigInt(days) * NANOS_PER_DAY + nanos - offsetNanos(zone);
}

function offsetNanos(zone: string | undefined): bigint {
  if (zone === undefined || zone === 'Z') return 0n;
  const minutes = BigInt(zone.slice(1, 3)) * 60n + BigInt(zone.slice(3).replace(':', '') || '0');
  return (zone[0] === '-' ? -minutes : minutes) * 60n * NANOS_PER_SECOND;
}
