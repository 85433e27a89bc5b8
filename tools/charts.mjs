#!/usr/bin/env node
// Writes the charts of all machines into ARCHITECTURE.md, between their marks. Run as `npm run charts`, which builds first.
import { readFileSync, writeFileSync } from 'node:fs';
import { embedCharts } from '../dist/src/chart/embed.js';

const architecture = new URL('../ARCHITECTURE.md', import.meta.url);
const before = readFileSync(architecture, 'utf8');
const after = embedCharts(before);
if (after !== before) writeFileSync(architecture, after);
process.stdout.write(after === before ? 'ARCHITECTURE.md is up to date\n' : 'ARCHITECTURE.md is updated\n');
