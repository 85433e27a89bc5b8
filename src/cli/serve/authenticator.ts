import { readFile } from 'node:fs/promises';
import { createAuthenticator } from '../../http/authentication.ts';
import type { Authenticator, JwtSettings } from '../../http/authentication.ts';
import { InvalidRequest } from '../../domain/errors.ts';
import type { Settings } from '../../config.ts';

type KeySet = JwtSettings['keys'];

/** @throws InvalidRequest when the key set cannot be used: a node never starts with fewer checks than it was told to make */
export async function authenticatorOf(settings: Settings): Promise<Authenticator> {
  const { tokens, jwtKeys } = settings;
  return createAuthenticator({ tokens, ...(jwtKeys === null ? {} : { jwt: await jwtOf(jwtKeys, settings) }) });
}

async function jwtOf(path: string, { jwtIssuer, jwtAudience, jwtTenantClaim, jwtRoleClaim }: Settings): Promise<JwtSettings> {
  return {
    keys: await readKeySet(path),
    ...(jwtIssuer === null ? {} : { issuer: jwtIssuer }),
    ...(jwtAudience === null ? {} : { audience: jwtAudience }),
    tenantClaim: jwtTenantClaim,
    roleClaim: jwtRoleClaim,
  };
}

async function readKeySet(path: string): Promise<KeySet> {
  let held: unknown;
  try {
    held = JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new InvalidRequest(`The key set "${path}" cannot be read: ${why}`, { field: 'jwt_keys' }, { cause });
  }
  const keys = typeof held === 'object' && held !== null && 'keys' in held ? held.keys : undefined;
  if (!Array.isArray(keys) || keys.length === 0) {
    throw new InvalidRequest(`The key set "${path}" must hold {"keys": [...]} with at least one key`, { field: 'jwt_keys' });
  }
  return held as KeySet;
}
