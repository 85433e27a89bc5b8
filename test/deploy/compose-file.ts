import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { Ajv } from 'ajv';
import type { ErrorObject } from 'ajv';
import { parse } from 'yaml';
import { read } from '../house/project-files.ts';

/** What the tests look at of a service; the schema judges the whole. */
export interface Service {
  readonly image: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly command?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly networks: readonly string[] | Readonly<Record<string, { readonly aliases?: readonly string[] }>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly secrets?: readonly string[];
  readonly configs?: readonly { readonly source: string }[];
  readonly stop_grace_period: string;
  readonly restart: string;
  readonly read_only: boolean;
  readonly cap_drop: readonly string[];
  readonly deploy: { readonly resources: { readonly limits: Readonly<Record<string, string | number>> } };
}

export interface ComposeFile {
  readonly services: Readonly<Record<string, Service>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>;
  readonly volumes: Readonly<Record<string, unknown>>;
  readonly configs: Readonly<Record<string, { readonly file: string }>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
}

/** As Compose reads it: anchors and merge keys resolved. */
export function readCompose(source = read('compose.yaml')): ComposeFile {
  return parse(source, { merge: true }) as ComposeFile;
}

/** What the schema of the Compose specification finds wrong; the linter's package brings the schema along. */
export function complaints(file: unknown): readonly ErrorObject[] {
  const folder = path.dirname(createRequire(import.meta.url).resolve('dclint/package.json'));
  const schema = JSON.parse(readFileSync(path.join(folder, 'schemas/compose.schema.json'), 'utf8')) as Record<string, unknown>;
  // The draft is named in the spelling with https, which Ajv does not know; it is draft 7.
  const check = new Ajv({ strict: false, validateFormats: false, allErrors: true }).compile({ ...schema, $schema: 'http://json-schema.org/draft-07/schema#' });
  return check(file) ? [] : (check.errors ?? []);
}
