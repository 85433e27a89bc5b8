/** Names for what holds each but once: a second `a` becomes `a_1`, as in DuckDB's own subqueries. Case does not tell names apart. */
export function distinctNames(names: readonly string[]): string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    let distinct = name;
    for (let number = 1; taken.has(distinct.toLowerCase()); number++) distinct = `${name}_${number}`;
    taken.add(distinct.toLowerCase());
    return distinct;
  });
}
