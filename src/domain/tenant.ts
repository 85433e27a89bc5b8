import { InvalidRequest, NoTenantBinding } from './errors.ts';

/** Who owns the data: `[A-Za-z0-9_-]{1,64}`. */
export type Tenant = string & { readonly brand: 'Tenant' };

const TENANT = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * @throws NoTenantBinding when there is none (absent or empty)
 * @throws InvalidRequest when it has other characters or is longer than 64
 */
export function parseTenant(text: string | undefined | null): Tenant {
  if (text === undefined || text === null || text === '') {
    throw new NoTenantBinding('No tenant is bound: name one, or send a token that is mapped to one');
  }
  if (!TENANT.test(text)) {
    throw new InvalidRequest('A tenant is 1 to 64 characters of A-Z, a-z, 0-9, "_" and "-"', { field: 'tenant' });
  }
  return text as Tenant;
}
