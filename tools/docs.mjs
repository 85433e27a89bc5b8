#!/usr/bin/env node
// Brings the generated parts of the documents up to date from what the compiled program says of itself.
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { markdownTable } from '../dist/bench/figures-table.js';
import { clusterTable, logTable, measuredTable } from '../dist/bench/scale/scale-tables.js';
import { SETTINGS, SETTING_KEYS, flagOf, variableOf } from '../dist/src/config-table.js';
import { showValue } from '../dist/src/config-values.js';
import { ERROR_KINDS, deserializeError } from '../dist/src/domain/errors.js';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const FIGURES = path.join(root, 'bench/results/one-process.json');
const CLUSTER = path.join(root, 'bench/results/cluster.json');
const SCALE = path.join(root, 'bench/results/scale.json');

const row = (...cells) => `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`;
const table = (head, rows) => [row(...head), row(...head.map(() => '---')), ...rows.map((cells) => row(...cells))].join('\n');
const code = (text) => `\`${text}\``;

function settings() {
  return table(
    ['flag', 'variable', 'default', 'bounds', 'what it sets'],
    SETTING_KEYS.map((key) => {
      const { name, placeholder, default: preset, unit, min, max, choices, description } = SETTINGS[key];
      const shown = preset === null || (Array.isArray(preset) && preset.length === 0) ? 'none' : code(showValue(preset, unit));
      const bounds = choices?.map(code).join(', ') ?? (min === undefined ? '' : `${showValue(min, unit)} to ${showValue(max, unit)}`);
      return [
        code([flagOf(name), placeholder].filter(Boolean).join(' ')),
        code(variableOf(name)),
        name === 'node-id' ? "the host's name" : shown,
        bounds,
        description,
      ];
    }),
  );
}

function errors() {
  return table(
    ['code', 'class', 'status', 'retryable', 'meaning'],
    Object.entries(ERROR_KINDS).map(([name, { status, title, retryable }]) => [
      code(name),
      code(deserializeError({ code: name, detail: '' }).name),
      status,
      retryable ? 'yes' : '',
      title,
    ]),
  );
}

/** A table of measured results; nothing before they were taken. */
const measured = (file, tableOf) => () => (existsSync(file) ? tableOf(JSON.parse(readFileSync(file, 'utf8'))) : '');

const PARTS = {
  settings,
  errors,
  figures: measured(FIGURES, markdownTable),
  clusterCost: measured(CLUSTER, markdownTable),
  scale: measured(SCALE, measuredTable),
  scaleCluster: measured(SCALE, clusterTable),
  scaleLog: measured(SCALE, logTable),
};

/** The document with its generated parts as they should be. */
export function withGeneratedParts(text) {
  return text.replaceAll(/(<!-- generated:(\w+) -->\n)[\s\S]*?(<!-- \/generated:\2 -->)/g, (_all, open, name, close) => {
    if (!Object.hasOwn(PARTS, name)) throw new Error(`There is no generated part "${name}"`);
    const part = PARTS[name]();
    return part === '' ? `${open}\n${close}` : `${open}\n<!-- prettier-ignore-start -->\n\n${part}\n\n<!-- prettier-ignore-end -->\n\n${close}`;
  });
}

/** Every document of the project, as absolute paths. */
export function documents() {
  const docs = path.join(root, 'docs');
  return [
    ...['README.md', 'ARCHITECTURE.md', 'CHANGELOG.md'].map((name) => path.join(root, name)),
    ...readdirSync(docs, { recursive: true })
      .filter((name) => name.endsWith('.md'))
      .map((name) => path.join(docs, name)),
  ];
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const file of documents()) {
    const text = readFileSync(file, 'utf8');
    const fresh = withGeneratedParts(text);
    if (fresh !== text) {
      writeFileSync(file, fresh);
      process.stdout.write(`${path.relative(root, file)}\n`);
    }
  }
}
