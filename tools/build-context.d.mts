export interface IgnoreRule {
  readonly keeps: boolean;
  readonly pattern: RegExp;
}

export function readIgnoreRules(source: string): readonly IgnoreRule[];
export function isLeftOut(name: string, rules: readonly IgnoreRule[]): boolean;
export function contextFiles(root: string): readonly string[];
