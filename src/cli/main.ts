#!/usr/bin/env node
import { complaintOf, exitCodeOf } from './failure.ts';
import { flushed, note, tolerateLeavingReaders } from './output.ts';
import { program } from './program.ts';

tolerateLeavingReaders();
try {
  await program().parseAsync();
} catch (error) {
  const complaint = complaintOf(error);
  if (complaint !== undefined) note(complaint);
  process.exitCode = exitCodeOf(error);
}
await flushed();
// At once, not when Node.js is ready: it would give the signals back first, and a late SIGTERM then end it without a code.
process.exit();
