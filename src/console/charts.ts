import type { Drawing } from '../chart/drawing.ts';

/** The machines as the build laid them out. */
export interface Charts {
  readonly machines: Readonly<Record<string, Drawing>>;
  /** The session machine's outermost states alone. */
  readonly overview: Drawing;
}

/** Reads them once. */
export function chartsReader(): () => Promise<Charts> {
  let reading: Promise<Charts> | undefined;
  const read = async (): Promise<Charts> => {
    const response = await fetch(new URL('charts.json', import.meta.url));
    if (!response.ok) throw new Error(`the charts are not there (HTTP ${response.status})`);
    return (await response.json()) as Charts;
  };
  return () => {
    reading ??= read().catch((error: unknown) => {
      reading = undefined;
      throw error;
    });
    return reading;
  };
}
