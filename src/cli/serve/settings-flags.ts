import { Option } from 'commander';
import type { Command } from 'commander';
import { loadSettings, readConfigFile } from '../../config.ts';
import type { LoadedSettings } from '../../config.ts';
import { SETTINGS, SETTING_KEYS, flagOf, variableOf } from '../../config-table.ts';
import type { SettingKey } from '../../config-table.ts';
import { showValue } from '../../config-values.ts';
import type { Spec } from '../../config-values.ts';
import { alignColumns } from '../columns.ts';

export type Flags = Readonly<Record<string, unknown>> & { readonly config?: string };

/** Every setting of the table as a flag. Values are parsed by the table, not here, so that all sources are judged alike. */
export function addSettingFlags(command: Command): Command {
  for (const key of SETTING_KEYS) command.addOption(settingOption(key));
  command.option('--config <file>', 'JSON file of settings, with underscores in their names [MAYFLY_CONFIG]');
  return command;
}

function settingOption(key: SettingKey): Option {
  const spec = SETTINGS[key];
  const shown = spec.secret === true || (Array.isArray(spec.default) && spec.default.length === 0) ? '' : `, default ${showValue(spec.default, spec.unit)}`;
  const choices = spec.choices === undefined ? '' : ` (${spec.choices.join(', ')})`;
  const description = `${spec.description}${choices} [${variableOf(spec.name)}${shown}]`;
  const option = new Option(spec.placeholder === undefined ? flagOf(spec.name) : `${flagOf(spec.name)} ${spec.placeholder}`, description);
  return spec.repeatable === true ? option.argParser((value: string, before: string[] | undefined) => [...(before ?? []), value]) : option;
}

/** @throws InvalidRequest naming the setting and where its value came from */
export function settingsFrom(flags: Flags, env: NodeJS.ProcessEnv): LoadedSettings {
  const path = flags.config ?? env.MAYFLY_CONFIG;
  return loadSettings({ flags, env, ...(path === undefined || path === '' ? {} : { file: readConfigFile(path) }) });
}

/** What `--print-config` shows of a setting. */
export interface PrintedSetting {
  readonly setting: string;
  readonly value: string;
  readonly source: string;
  readonly default: string;
  readonly bounds: string;
}

/** The settings in force, one after another; secrets are counted, never shown. */
export function printedSettings({ settings, sources }: LoadedSettings): readonly PrintedSetting[] {
  return SETTING_KEYS.map((key) => {
    const { name, unit, min, max, choices, secret, show: ownShow, default: standard } = SETTINGS[key] as Spec<unknown>;
    const value = settings[key];
    const show = (held: unknown): string => (secret === true ? hidden(held) : (ownShow?.(held) ?? showValue(held, unit)));
    const range = min === undefined || max === undefined ? '' : `${showValue(min, unit)} to ${showValue(max, unit)}`;
    return { setting: name, value: show(value), source: sources[key], default: show(standard), bounds: choices?.join(', ') ?? range };
  });
}

function hidden(held: unknown): string {
  if (Array.isArray(held)) return `${held.length} hidden`;
  return held === null ? 'none' : 'hidden';
}

const HEADS = ['setting', 'value', 'source', 'default', 'bounds'] as const;

export function asColumns(rows: readonly PrintedSetting[]): string {
  return alignColumns(
    HEADS,
    rows.map((row) => HEADS.map((head) => row[head])),
  );
}
