import { readFileSync } from 'node:fs';

const MS_PER_TICK = 10;

/** What the process holds now, in bytes. */
export function residentBytes(pid: number): number {
  return statusBytes(pid, 'VmRSS');
}

/** The most it ever held, in bytes: the kernel's own count, which misses nothing between two looks. */
export function peakBytes(pid: number): number {
  return statusBytes(pid, 'VmHWM');
}

function statusBytes(pid: number, key: string): number {
  const [, kib] = new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? [];
  if (kib === undefined) throw new Error(`process ${pid} has no ${key}`);
  return Number(kib) * 1_024;
}

/** Time the process spent on the cores, its threads' together, in ms. */
export function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const [user, system] = stat.slice(stat.lastIndexOf(')')).split(' ').slice(12, 14).map(Number);
  return ((user ?? 0) + (system ?? 0)) * MS_PER_TICK;
}
