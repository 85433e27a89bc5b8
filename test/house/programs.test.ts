import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { providePrograms, type Machine } from '../programs-once.ts';

const programs = [
  { names: ['tea-server'], debian: 'tea-server' },
  { names: ['pot', 'kettle'], debian: 'pot' },
];
let folder: string;
let machine: Machine;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'mayfly-programs-'));
  machine = { folders: [folder], isRoot: true, policyFile: path.join(folder, 'policy') };
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function program(name: string, text = ''): void {
  writeFileSync(path.join(folder, name), `#!/bin/sh\n${text}\n`);
  chmodSync(path.join(folder, name), 0o755);
}

/** Writes down how it is called and what services may do meanwhile, and brings what it is asked for. */
const APT_GET = 'cd "$(dirname "$0")"; echo "$@ $(grep exit policy)" >> calls; if [ "$1" = install ]; then for last; do :; done; touch "$last"; fi';

describe('what the tests run', () => {
  it('is taken as it is when it is there, under any of its names', () => {
    program('tea-server');
    program('kettle');
    program('apt-get', APT_GET);
    providePrograms(programs, machine);
    expect(existsSync(path.join(folder, 'calls'))).toBe(false);
  });

  it('is installed as root, what is missing alone, and no service starts by that', () => {
    program('tea-server');
    program('apt-get', APT_GET);
    providePrograms(programs, machine);
    const calls = readFileSync(path.join(folder, 'calls'), 'utf8').trim().split('\n');
    expect(calls).toHaveLength(2);
    expect(calls[0]).toMatch(/^update .* exit 101$/);
    expect(calls[1]).toMatch(/^install .*-y .*--no-install-recommends pot exit 101$/);
    expect(existsSync(machine.policyFile)).toBe(false);
  });

  it('leaves the machine’s own rule for services alone', () => {
    program('policy', 'exit 104');
    program('tea-server');
    program('apt-get', APT_GET);
    providePrograms(programs, machine);
    expect(readFileSync(machine.policyFile, 'utf8')).toContain('exit 104');
  });

  it('is asked for with the line to type where it cannot be installed', () => {
    const line = /sudo apt-get install -y tea-server pot$/;
    expect(() => providePrograms(programs, machine)).toThrow(line);
    program('apt-get', APT_GET);
    expect(() => providePrograms(programs, { ...machine, isRoot: false })).toThrow(line);
    program('apt-get', 'exit 100');
    expect(() => providePrograms(programs, machine)).toThrow(line);
  });
});
