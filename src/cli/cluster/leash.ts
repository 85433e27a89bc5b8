import { spawn } from 'node:child_process';

/** Waits until the pipe to this process is closed, by whatever end it comes to. */
const WATCH = 'read _; kill -9 "$0"';

/** Kills the process `pid` when this one ends, however it ends, SIGKILL included. Returns how to let it off. */
export function leash(pid: number): () => void {
  const watcher = spawn('/bin/sh', ['-c', WATCH, String(pid)], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  // Without a shell there is no leash, and nothing else is amiss.
  watcher.on('error', () => undefined);
  return () => void watcher.kill('SIGKILL');
}
