/** A terminal's Ctrl-C arrives twice when npm passes it on too; a person's second one comes later than this. */
const ECHO_MS = 250;

export interface StopSignals {
  /** Aborted by the first SIGTERM or SIGINT. */
  readonly stop: AbortSignal;
  /** Aborted by the next one: whoever waits has no more patience. */
  readonly hasten: AbortSignal;
  /** Gives the signals back to Node.js. */
  release(): void;
}

/** From here on SIGTERM and SIGINT do not end the process: the command ends what it began. */
export function catchStopSignals(): StopSignals {
  const stop = new AbortController();
  const hasten = new AbortController();
  let firstMs = 0;
  const caught = (): void => {
    const nowMs = performance.now();
    if (!stop.signal.aborted) {
      firstMs = nowMs;
      stop.abort();
    } else if (nowMs - firstMs >= ECHO_MS) {
      hasten.abort();
    }
  };
  process.on('SIGTERM', caught).on('SIGINT', caught);
  return { stop: stop.signal, hasten: hasten.signal, release: () => void process.off('SIGTERM', caught).off('SIGINT', caught) };
}
