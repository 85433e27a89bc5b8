import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, openSync, closeSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import { findProgram } from '../../src/cli/cluster/find-program.ts';
import type { RedisServer } from '../../src/cli/cluster/redis-server.ts';

const HOUR_S = 3_600;
/** In a server's own folder: the seconds by which its clock is wrong, as it maps them. */
const SHIFT_FILE = 'clock-shift';

/** Loaded before a server's libraries. faketime would do, but not with the allocator that Debian's Redis comes with. */
const SHIM = `
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static volatile const long *shift;
__attribute__((constructor)) static void map(void) {
  int file = open("${SHIFT_FILE}", O_RDONLY);
  void *mapped = file < 0 ? MAP_FAILED : mmap(0, sizeof(long), PROT_READ, MAP_SHARED, file, 0);
  if (mapped != MAP_FAILED) shift = mapped;
}
int clock_gettime(clockid_t clock, struct timespec *at) {
  int failed = syscall(SYS_clock_gettime, clock, at);
  if (!failed && shift && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) at->tv_sec += *shift;
  return failed;
}
int gettimeofday(struct timeval *restrict at, void *restrict zone) {
  struct timespec now;
  (void)zone;
  if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
  at->tv_sec = now.tv_sec;
  at->tv_usec = now.tv_nsec / 1000;
  return 0;
}
time_t time(time_t *at) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (at) *at = now.tv_sec;
  return now.tv_sec;
}
`;

/** Clocks of Redis servers that can be set wrong while they run. */
export interface RedisClocks extends Disposable {
  /** Moves a server's wall clock by so many hours; back, when below 0. */
  move(server: RedisServer, hours: number): Promise<void>;
}

/**
 * To be called before the servers start. Their very clocks are moved, while the monotonic ones stay. A machine without a
 * C compiler gets what such a move does to a Redis server: every key that expires has so much less or more time.
 */
export function redisClocks(): RedisClocks {
  const folder = mkdtempSync(path.join(tmpdir(), 'mayfly-clocks-'));
  const library = path.join(folder, 'clock.so');
  const { status } = spawnSync('cc', ['-shared', '-fPIC', '-O1', '-x', 'c', '-', '-o', library], { input: SHIM, stdio: ['pipe', 'ignore', 'inherit'] });
  const removeFolder = (): void => rmSync(folder, { recursive: true, force: true });
  if (status === 0) return shiftedClocks(folder, library, removeFolder);
  process.stderr.write('There is no C compiler (cc): Redis’s clocks stay right, and the expiries of its keys are moved instead.\n');
  return { move: moveExpiries, [Symbol.dispose]: removeFolder };
}

/** Servers that start from here on are found in a folder of ours, which runs them over the shim. */
function shiftedClocks(folder: string, library: string, removeFolder: () => void): RedisClocks {
  const program = path.join(folder, 'redis-server');
  const start = `head -c 8 /dev/zero > ${SHIFT_FILE}\nexec env LD_PRELOAD='${library}' '${findProgram('redis-server')}' "$@"`;
  writeFileSync(program, `#!/bin/sh\n${start}\n`);
  chmodSync(program, 0o755);
  const pathBefore = process.env['PATH'];
  process.env['PATH'] = `${folder}${path.delimiter}${pathBefore ?? ''}`;
  const shifts = new Map<RedisServer, number>();
  return {
    async move(server, hours) {
      const shift = (shifts.get(server) ?? 0) + hours;
      shifts.set(server, shift);
      const before = await secondsOf(server);
      write(path.join(server.folder, SHIFT_FILE), shift * HOUR_S);
      const movedS = (await secondsOf(server)) - before;
      if (Math.abs(movedS - hours * HOUR_S) > 60) throw new Error(`the clock was to move by ${hours} h, and moved by ${movedS} s`);
    },
    [Symbol.dispose]() {
      process.env['PATH'] = pathBefore;
      removeFolder();
    },
  };
}

/** In place: the server has this very file in its memory. */
function write(file: string, seconds: number): void {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(seconds));
  const opened = openSync(file, 'r+');
  writeSync(opened, bytes);
  closeSync(opened);
}

async function secondsOf(server: RedisServer): Promise<number> {
  return withClient(server, async (redis) => Number((await redis.time())[0]));
}

async function moveExpiries(server: RedisServer, hours: number): Promise<void> {
  await withClient(server, async (redis) => {
    for (const key of await redis.keys('*')) {
      const leftMs = await redis.pttl(key);
      if (leftMs > 0) await redis.pexpire(key, leftMs - hours * HOUR_S * 1_000);
    }
  });
}

async function withClient<T>(server: RedisServer, ask: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(server.url);
  try {
    return await ask(redis);
  } finally {
    redis.disconnect();
  }
}
