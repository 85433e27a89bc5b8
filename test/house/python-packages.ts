import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from './project-files.ts';

const run = promisify(execFile);
/** The tests' own Python, kept between runs beside the other packages that they use. */
const OWN = path.join(ROOT, 'node_modules/.cache/mayfly-python');
/** The packages are some hundred megabytes. */
const INSTALL_MS_MAX = 600_000;

/**
 * A `PATH` whose `python3` has the packages of a requirements file: the machine's own, else one made in `own`, once.
 * @throws Error with the lines to type when they are missing and cannot be installed
 */
export async function pathWithPython(requirements: string, own = OWN): Promise<string> {
  const modules = readFileSync(requirements, 'utf8').match(/^\w+/gm) ?? [];
  const [asItIs = '', ours] = [process.env['PATH'], `${path.join(own, 'bin')}${path.delimiter}${process.env['PATH']}`];
  for (const search of [asItIs, ...(existsSync(own) ? [ours] : [])]) if (await has(search, modules)) return search;
  try {
    process.stderr.write(`Installing what the tests run in Python (${modules.join(', ')}); this takes a minute, once.\n`);
    await python(asItIs, ['-m', 'venv', '--clear', own]);
    await python(ours, ['-m', 'pip', 'install', '--quiet', '--requirement', requirements]);
  } catch (cause) {
    const lines = `sudo apt-get install -y python3-venv\npython3 -m venv .venv && . .venv/bin/activate && pip install -r ${path.relative(ROOT, requirements)}`;
    throw new Error(`The tests run a program in Python with ${modules.join(' and ')}, which this machine does not have. Type:\n${lines}`, { cause });
  }
  return ours;
}

async function has(search: string, modules: readonly string[]): Promise<boolean> {
  try {
    await python(search, ['-c', `import ${modules.join(', ')}`]);
    return true;
  } catch {
    return false;
  }
}

async function python(search: string, args: readonly string[]): Promise<void> {
  await run('python3', args, { timeout: INSTALL_MS_MAX, env: { ...process.env, PATH: search } });
}
