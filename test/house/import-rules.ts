import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { parseSync } from 'oxc-parser';

/** A part of the house: the modules under one path, and what they may import besides each other. */
interface Area {
  /** A folder that ends with `/`, or one file. The longest match wins. */
  readonly at: string;
  /** Other areas, by their path. */
  readonly areas: readonly string[];
  /** npm packages, by name. */
  readonly packages: readonly string[];
  /** Whether Node's own modules may be imported. */
  readonly node: boolean;
}

const PURE = ['src/domain/', 'src/ports/'];
const adapter = (name: string, ...packages: readonly string[]): Area => ({ at: `src/${name}/`, areas: PURE, packages, node: true });

export const AREAS: readonly Area[] = [
  { at: 'src/domain/', areas: [], packages: [], node: false },
  { at: 'src/ports/', areas: ['src/domain/'], packages: [], node: false },
  { at: 'machines/', areas: ['src/domain/'], packages: ['xstate'], node: false },
  { at: 'actors/', areas: ['machines/', ...PURE], packages: ['xstate'], node: false },
  adapter('embedded'),
  adapter('redis', 'ioredis', 'redlock'),
  adapter('nats', 'nats'),
  adapter('duckdb', '@duckdb/node-api', '@duckdb/node-bindings', 'apache-arrow', 'zstddec'),
  { at: 'src/worker/', areas: ['src/duckdb/', ...PURE], packages: [], node: true },
  { at: 'src/cluster/', areas: ['actors/', 'machines/', ...PURE], packages: [], node: false },
  // Exports become Parquet by DuckDB, which stays under its one folder.
  { at: 'src/audit/', areas: ['src/duckdb/', ...PURE], packages: [], node: true },
  adapter('observe', 'pino', 'prom-client'),
  { at: 'src/http/', areas: ['src/node', ...PURE], packages: ['fastify', 'jose', 'negotiator', 'zod'], node: true },
  { at: 'src/client/', areas: ['src/domain/'], packages: ['apache-arrow'], node: false },
  { at: 'src/chart/', areas: ['machines/', 'src/domain/'], packages: ['xstate'], node: false },
  // Types alone: a page loads nothing but its own modules.
  { at: 'src/console/', areas: ['src/chart/', 'src/domain/'], packages: [], node: false },
  { at: 'src/config', areas: ['src/domain/'], packages: ['zod'], node: true },
  {
    at: 'src/cli/',
    areas: ['src/mayfly.ts', 'src/node', 'src/index.ts', 'src/config', 'src/audit/', 'src/chart/', 'src/client/', 'src/domain/', 'machines/'],
    packages: ['apache-arrow', 'cli-table3', 'commander'],
    node: true,
  },
  { at: 'src/mayfly.ts', areas: ['src/node', 'src/client/', 'src/config', 'src/domain/'], packages: [], node: false },
  {
    at: 'src/node',
    areas: ['actors/', 'src/config', 'src/client/', 'src/cluster/', 'src/embedded/', 'src/redis/', 'src/nats/', 'src/observe/', 'src/worker/', ...PURE],
    packages: [],
    node: true,
  },
  { at: 'src/index.ts', areas: ['src/mayfly.ts', 'src/client/', 'src/config', 'src/domain/'], packages: [], node: false },
  // By the doors that users have, and no other.
  { at: 'examples/', areas: [], packages: ['mayfly', 'apache-arrow'], node: true },
];

/** Imports the table forbids and the house allows, each for a reason; one that no module needs any more fails the check. */
export const EXCEPTIONS: readonly { readonly from: string; readonly to: string; readonly reason: string }[] = [
  {
    from: 'src/cli/serve/',
    to: 'src/http/',
    reason: 'the serve command puts a node on the network; the composition root does not, so that embedding Mayfly loads no server',
  },
];

interface Import {
  readonly from: string;
  readonly specifier: string;
}

export interface Finding extends Import {
  readonly why: string;
}

export interface Report {
  readonly modules: number;
  readonly findings: readonly Finding[];
}

/** Every module of the house, as paths from the project's root. */
export function modulesOf(root: string, folders: readonly string[] = ['src', 'machines', 'actors', 'examples']): readonly string[] {
  return folders.flatMap((folder) =>
    readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => path.posix.join(folder, name.replaceAll(path.sep, '/'))),
  );
}

/** Imports, re-exports, `import()` and `import('…')` types of one module; type imports count like others. */
export function importsOf(from: string, source: string): readonly Import[] {
  const parsed = parseSync(from, source);
  const { module } = parsed;
  const specifiers = new Set<string>();
  for (const { moduleRequest } of module.staticImports) specifiers.add(moduleRequest.value);
  for (const { entries } of module.staticExports) {
    for (const { moduleRequest } of entries) if (moduleRequest !== null) specifiers.add(moduleRequest.value);
  }
  for (const { moduleRequest } of module.dynamicImports) specifiers.add(literal(source.slice(moduleRequest.start, moduleRequest.end)));
  for (const text of typeImports(parsed.program)) specifiers.add(text);
  return [...specifiers].map((specifier) => ({ from, specifier }));
}

/** Judges modules by the table: path from the root to source text. */
export function judge(sources: ReadonlyMap<string, string>): Report {
  const used = new Set<(typeof EXCEPTIONS)[number]>();
  const findings: Finding[] = [];
  for (const [from, source] of sources) {
    for (const one of importsOf(from, source)) {
      const why = verdict(one, used);
      if (why !== undefined) findings.push({ ...one, why });
    }
  }
  for (const exception of EXCEPTIONS) {
    if (!used.has(exception)) findings.push({ from: exception.from, specifier: exception.to, why: 'is an exception that no module needs' });
  }
  return { modules: sources.size, findings };
}

export function judgeProject(root: string): Report {
  return judge(new Map(modulesOf(root).map((name) => [name, readFileSync(path.join(root, name), 'utf8')])));
}

function verdict({ from, specifier }: Import, used: Set<(typeof EXCEPTIONS)[number]>): string | undefined {
  const area = areaOf(from);
  if (area === undefined) return 'stands in no area of the rule table';
  if (specifier.startsWith('.')) {
    const to = path.posix.join(path.posix.dirname(from), specifier);
    const target = areaOf(to);
    if (target === undefined) return 'leads to no area of the rule table';
    if (target === area || area.areas.includes(target.at)) return undefined;
    const exception = EXCEPTIONS.find((known) => from.startsWith(known.from) && to.startsWith(known.to));
    if (exception === undefined) return `${area.at} may not import ${target.at}`;
    used.add(exception);
    return undefined;
  }
  if (specifier.startsWith('node:')) return area.node ? undefined : `${area.at} may not import Node's modules`;
  return area.packages.includes(packageOf(specifier)) ? undefined : `${area.at} may not import ${packageOf(specifier)}`;
}

function areaOf(module: string): Area | undefined {
  return AREAS.filter(({ at }) => module.startsWith(at)).toSorted((a, b) => b.at.length - a.at.length)[0];
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** A specifier that is no literal cannot be judged, so it is reported under its own text. */
function literal(text: string): string {
  return /^(['"`])[^'"`$]*\1$/.test(text) ? text.slice(1, -1) : `computed: ${text}`;
}

function* typeImports(node: unknown): Generator<string> {
  if (Array.isArray(node)) {
    for (const child of node) yield* typeImports(child);
  } else if (typeof node === 'object' && node !== null) {
    const { type, source } = node as { type?: unknown; source?: { value?: unknown } };
    if (type === 'TSImportType' && typeof source?.value === 'string') yield source.value;
    for (const child of Object.values(node)) yield* typeImports(child);
  }
}
