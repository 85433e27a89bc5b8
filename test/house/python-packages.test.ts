import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pathWithPython } from './python-packages.ts';

let folder: string;
let own: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'mayfly-python-'));
  own = path.join(folder, 'own');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function requirements(text: string): Promise<string> {
  const file = path.join(folder, 'requirements.txt');
  await writeFile(file, text);
  return file;
}

describe('what the tests run in Python', () => {
  it('is taken as it is when the machine has it', async () => {
    // Modules of Python itself.
    expect(await pathWithPython(await requirements('json\nuuid\n'), own)).toBe(process.env['PATH']);
    expect(existsSync(own)).toBe(false);
  });

  it('is asked for with the lines to type where it cannot be installed', async () => {
    const file = await requirements('--no-index\nmayfly_nowhere\n');
    await expect(pathWithPython(file, own)).rejects.toThrow(/with mayfly_nowhere, which this machine does not have\. Type:\n.*python3-venv\n.*pip install -r/);
  });
});
