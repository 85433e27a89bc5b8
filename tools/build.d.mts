/** Builds when needed; resolves to the compiler's exit code, 0 when nothing was to be done. */
export function buildIfStale(): number;
