/** Who calls: a tenant's name, a token, or both. */
export interface Credentials {
  readonly tenant: string;
  readonly token: string;
}

const KEY = 'mayfly.credentials';

/** What this tab was told; it is forgotten with the tab. */
export function rememberedCredentials(): Credentials | undefined {
  try {
    const held = JSON.parse(sessionStorage.getItem(KEY) ?? 'null') as Partial<Credentials> | null;
    if (typeof held?.tenant === 'string' && typeof held.token === 'string') return { tenant: held.tenant, token: held.token };
  } catch {
    forgetCredentials();
  }
  return undefined;
}

export function rememberCredentials(credentials: Credentials): void {
  sessionStorage.setItem(KEY, JSON.stringify(credentials));
}

export function forgetCredentials(): void {
  sessionStorage.removeItem(KEY);
}
