#!/usr/bin/env node
import { complaintOf, exitCodeOf } from './failure.ts';
import { note, tolerateLeavingReaders } from './output.ts';
import { program } from './program.ts';

tolerateLeavingReaders();
try {
  await program().parseAsync();
} catch (error) {
  const complaint = complaintOf(error);
  if (complaint !== undefined) note(complaint);
  process.exitCode = exitCodeOf(error);
}
