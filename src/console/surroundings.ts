import type { Charts } from './charts.ts';
import type { NodeCaller } from './node-caller.ts';
import type { Records } from './records.ts';
import type { Ticker } from './ticker.ts';

/** What every part of the page works with, for as long as one caller is signed in. */
export interface Surroundings {
  readonly caller: NodeCaller;
  readonly records: Records;
  readonly ticker: Ticker;
  readonly charts: () => Promise<Charts>;
}
