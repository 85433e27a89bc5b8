/** An answer that is no success, as the node's problem document says it; `code` is `unreachable` when none came. */
export class Refusal extends Error {
  readonly code: string;
  readonly status: number;
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(code: string, status: number, detail: string, fields: Readonly<Record<string, unknown>> = {}) {
    super(detail);
    this.code = code;
    this.status = status;
    this.fields = fields;
  }
}

/** What a document says besides what every one says. */
const COMMON = new Set(['type', 'title', 'status', 'code', 'detail', 'retryable']);

export async function refusalOf(response: Response): Promise<Refusal> {
  const text = await response.text().catch(() => '');
  try {
    const { code, detail, ...rest } = JSON.parse(text) as Record<string, unknown>;
    if (typeof code === 'string' && typeof detail === 'string') {
      return new Refusal(code, response.status, detail, Object.fromEntries(Object.entries(rest).filter(([name]) => !COMMON.has(name))));
    }
  } catch {
    // No document of Mayfly's: a proxy in between, most likely.
  }
  return new Refusal(`http_${response.status}`, response.status, 'The answer was none of Mayfly’s own');
}

export function asRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  return new Refusal('unreachable', 0, `The node gave no answer (${error instanceof Error ? error.message : String(error)})`);
}
