import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { ROOT, read } from './project-files.ts';

const run = promisify(execFile);
/** Kept between runs, beside the other packages that the tests use. */
const VENV = path.join(ROOT, 'node_modules/.cache/mayfly-python');
/** The packages are some hundred megabytes. */
const INSTALL_MS_MAX = 600_000;

/**
 * A Python that has the packages of a requirements file: the machine's own, else one of the tests' own, made once.
 * @throws Error with the lines to type when they are missing and cannot be installed
 */
export async function pythonWith(requirements: string): Promise<string> {
  const modules = read(requirements).match(/^\w+/gm) ?? [];
  const own = path.join(VENV, 'bin/python');
  for (const python of ['python3', own]) if (await has(python, modules)) return python;
  try {
    process.stderr.write(`Installing what the tests run in Python (${modules.join(', ')}); this takes a minute, once.\n`);
    await run('python3', ['-m', 'venv', '--clear', VENV], { timeout: INSTALL_MS_MAX });
    await run(own, ['-m', 'pip', 'install', '--quiet', '--requirement', path.join(ROOT, requirements)], { timeout: INSTALL_MS_MAX });
  } catch (cause) {
    const lines = `sudo apt-get install -y python3-venv\npython3 -m venv .venv && . .venv/bin/activate && pip install -r ${requirements}`;
    throw new Error(`The tests run a program in Python with ${modules.join(' and ')}, which this machine does not have. Type:\n${lines}`, { cause });
  }
  return own;
}

async function has(python: string, modules: readonly string[]): Promise<boolean> {
  try {
    await run(python, ['-c', `import ${modules.join(', ')}`]);
    return true;
  } catch {
    return false;
  }
}
