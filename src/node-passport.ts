import { createHmac, timingSafeEqual } from 'node:crypto';
import { Unauthorized } from './domain/errors.ts';
import { parseTenant } from './domain/tenant.ts';
import type { Tenant } from './domain/tenant.ts';

/** The header by which a node vouches to another for a call it admitted: `<ms since 1970> <tenant> <HMAC-SHA256, hex>`. */
export const PASSPORT_HEADER = 'mayfly-forwarded';

/** Nodes' clocks may differ by this much, and a passport is good for no longer. */
const VALID_MS = 60_000;

export interface ForwardedCall {
  readonly method: string;
  /** Path and query as sent. */
  readonly path: string;
  readonly tenant: Tenant;
}

/** The headers a node sends along with a call it passes on; none for a call that is bound to no tenant. */
export function passportHeaders(
  secret: string,
  { tenant, ...call }: Omit<ForwardedCall, 'tenant'> & { readonly tenant: Tenant | undefined },
  wallMs: number,
): Record<string, string> {
  if (tenant === undefined) return {};
  const seal = sealOf(secret, { ...call, tenant }, wallMs).toString('hex');
  return { 'mayfly-tenant': tenant, [PASSPORT_HEADER]: `${wallMs} ${tenant} ${seal}` };
}

/** @throws Unauthorized for a passport that no node of this cluster made just now for this very call */
export function tenantOfPassport(secret: string, passport: string, call: Omit<ForwardedCall, 'tenant'>, wallMs: number): Tenant {
  const [at = '', name = '', seal = ''] = passport.split(' ');
  const tenant = parseTenant(name);
  const sealed = Buffer.from(seal, 'hex');
  const wanted = sealOf(secret, { ...call, tenant }, Number(at));
  const isFresh = /^\d{1,15}$/.test(at) && Math.abs(wallMs - Number(at)) <= VALID_MS;
  if (!isFresh || sealed.length !== wanted.length || !timingSafeEqual(sealed, wanted)) {
    throw new Unauthorized('The call bears a passport that no node of this cluster made: check --cluster-secret and the clocks of the nodes');
  }
  return tenant;
}

function sealOf(secret: string, { method, path, tenant }: ForwardedCall, atMs: number): Buffer {
  return createHmac('sha256', secret).update(`${method}\n${path}\n${tenant}\n${atMs}`).digest();
}
