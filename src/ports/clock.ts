/** Time, injected: machines and actors never read it themselves. */
export interface Clock {
  /** Wall clock, milliseconds since 1970 UTC: for what people read. */
  wallMs(): number;
  /** Monotonic, milliseconds from `process.hrtime`, one clock for all processes of a host: for every bound and fence. */
  monotonicMs(): number;
  setTimeout(run: () => void, delayMs: number): unknown;
  clearTimeout(timer: unknown): void;
}
