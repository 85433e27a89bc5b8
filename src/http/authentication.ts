import { createHash, timingSafeEqual } from 'node:crypto';
import { jwtVerify } from 'jose';
import type { JSONWebKeySet, JWTPayload } from 'jose';
import { Forbidden, InvalidRequest, Unauthorized } from '../domain/errors.ts';
import { parseTenant } from '../domain/tenant.ts';
import type { Tenant } from '../domain/tenant.ts';
import { keyFinder } from './jwt-keys.ts';

interface StaticToken {
  readonly token: string;
  /** The one tenant it speaks for; or the operator role, which may name any. */
  readonly tenant?: string;
  readonly operator?: boolean;
}

export interface JwtSettings {
  /** Public keys, and shared secrets as keys of the type `oct`. */
  readonly keys: JSONWebKeySet;
  readonly issuer?: string;
  readonly audience?: string;
  /** Claim that holds the tenant; `tenant` by default. */
  readonly tenantClaim?: string;
  /** Claim that makes an operator when it is, or lists, `operator`; `role` by default. */
  readonly roleClaim?: string;
}

export interface TokenSettings {
  readonly tokens?: readonly StaticToken[];
  readonly jwt?: JwtSettings;
}

export interface Caller {
  readonly tenant?: Tenant;
  readonly operator: boolean;
}

export interface Authenticator {
  readonly tokensConfigured: boolean;
  /** @throws Unauthorized when tokens are configured and this is not a valid one */
  caller(authorization: string | undefined): Promise<Caller>;
}

type VerifyJwt = (token: string) => Promise<JWTPayload>;

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
const refuse = (cause?: unknown): never => {
  throw new Unauthorized('Send a valid token as "Authorization: Bearer <token>"', {}, { cause });
};

/** @throws InvalidRequest when a token is mapped to nothing, or to both a tenant and the operator role */
export async function createAuthenticator(settings: TokenSettings = {}): Promise<Authenticator> {
  const known = (settings.tokens ?? []).map(({ token, tenant, operator = false }) => {
    if (token === '' || operator === (tenant !== undefined)) {
      throw new InvalidRequest('A token is not empty and is mapped either to a tenant or to the operator role', { field: 'tokens' });
    }
    return { hash: digest(token), caller: { operator, ...(tenant === undefined ? {} : { tenant: parseTenant(tenant) }) } };
  });
  const jwt = settings.jwt;
  const verify = jwt === undefined ? undefined : jwtVerifier(jwt);
  const tokensConfigured = known.length > 0 || verify !== undefined;
  return {
    tokensConfigured,
    async caller(authorization) {
      if (!tokensConfigured) return { operator: false };
      const token = /^Bearer +([^\s]+)$/i.exec(authorization ?? '')?.[1] ?? refuse();
      const hash = digest(token);
      let found: Caller | undefined;
      // Every token is compared, in constant time: timing tells neither which one nor how much of it matched.
      for (const each of known) if (timingSafeEqual(each.hash, hash)) found = each.caller;
      if (found !== undefined) return found;
      if (verify === undefined || jwt === undefined) return refuse();
      return callerOfClaims(await verify(token).catch(refuse), jwt);
    },
  };
}

function jwtVerifier({ keys, issuer, audience }: JwtSettings): VerifyJwt {
  const checks = { ...(issuer === undefined ? {} : { issuer }), ...(audience === undefined ? {} : { audience }), requiredClaims: ['exp'] };
  const find = keyFinder(keys);
  return async (token) => (await jwtVerify(token, find, checks)).payload;
}

function callerOfClaims(claims: JWTPayload, { tenantClaim = 'tenant', roleClaim = 'role' }: JwtSettings): Caller {
  const role = claims[roleClaim];
  if (role === 'operator' || (Array.isArray(role) && role.includes('operator'))) return { operator: true };
  const tenant = claims[tenantClaim];
  if (typeof tenant !== 'string') throw new Unauthorized(`The token has neither the claim "${tenantClaim}" nor the operator role`);
  return { operator: false, tenant: parseTenant(tenant) };
}

/**
 * The tenant a call is bound to (I7): the token's, or the one named by the header where the token leaves it open.
 * @throws Forbidden when a token's tenant and the header differ; NoTenantBinding when neither names one
 */
export function bindTenant(caller: Caller, header: string | undefined): Tenant {
  if (caller.tenant === undefined) return parseTenant(header);
  if (header !== undefined && header !== caller.tenant) {
    throw new Forbidden('The token speaks for another tenant than the header Mayfly-Tenant names: leave the header out');
  }
  return caller.tenant;
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/i;

/** @throws InvalidRequest for an address others can reach, without tokens and without `insecure` */
export function assertSafeBinding(host: string, tokensConfigured: boolean, insecure: boolean): void {
  if (LOOPBACK.test(host) || tokensConfigured || insecure) return;
  throw new InvalidRequest(`Refusing to listen on ${host} without tokens: configure tokens, use --host 127.0.0.1, or accept the risk with --insecure`, {
    field: 'host',
  });
}
