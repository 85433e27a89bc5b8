#!/usr/bin/env node
// Completes the console in a build's folder: what the compiler leaves out of the page, and the machines' charts, laid
// out once here so that the node serves plain files. `node tools/build.mjs` runs it.
import { copyFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import ELK from 'elkjs/lib/elk.bundled.js';

const source = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../src/console');
const build = path.resolve(process.argv[2] ?? 'dist');
const target = path.join(build, 'src/console');
const built = (name) => import(pathToFileURL(path.join(build, name)).href);

for (const name of readdirSync(source)) if (!name.endsWith('.ts')) copyFileSync(path.join(source, name), path.join(target, name));

const [{ MACHINES }, { chartOf }, { overviewOf }, { graphOf, drawingOf }] = await Promise.all(
  ['machines/index.js', 'src/chart/chart-of.js', 'src/chart/links.js', 'src/chart/layout.js'].map(built),
);
const elk = new ELK();
const draw = async (chart, direction) => drawingOf(chart, await elk.layout(graphOf(chart, direction)));
const machines = {};
for (const [name, machine] of Object.entries(MACHINES)) machines[name] = await draw(chartOf(machine), 'DOWN');
const overview = await draw(overviewOf(chartOf(MACHINES.session)), 'RIGHT');
writeFileSync(path.join(target, 'charts.json'), JSON.stringify({ machines, overview }));
