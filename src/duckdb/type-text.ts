const TOKEN = /"((?:[^"]|"")*)"|'(?:[^']|'')*'|[^\s"'(),[\]]+|[(),[\]]/g;

/** Whether two DuckDB type texts mean the same type; DuckDB itself quotes names in them only where it must. */
export function sameTypeText(one: string, other: string): boolean {
  return one === other || JSON.stringify(tokens(one)) === JSON.stringify(tokens(other));
}

function tokens(text: string): string[] {
  return Array.from(text.matchAll(TOKEN), ([token, quoted]) => quoted?.replaceAll('""', '"') ?? token);
}
