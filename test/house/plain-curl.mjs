// The part of curl that the documents use, for machines that have Node alone: -sS, -X, -H, -d, --data-binary @file, -o and a URL.
import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    silent: { type: 'boolean', short: 's' },
    'show-error': { type: 'boolean', short: 'S' },
    request: { type: 'string', short: 'X' },
    header: { type: 'string', short: 'H', multiple: true },
    data: { type: 'string', short: 'd' },
    'data-binary': { type: 'string' },
    output: { type: 'string', short: 'o' },
  },
});

const file = values['data-binary']?.replace(/^@/, '');
const body = file === undefined ? values.data : await readFile(file);
const headers = (values.header ?? []).map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]);
const answer = await fetch(positionals[0], {
  method: values.request ?? (body === undefined ? 'GET' : 'POST'),
  headers,
  ...(body === undefined ? {} : { body }),
});
const bytes = new Uint8Array(await answer.arrayBuffer());
if (values.output === undefined) process.stdout.write(bytes);
else await writeFile(values.output, bytes);
