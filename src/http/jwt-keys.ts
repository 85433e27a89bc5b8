import { createLocalJWKSet, errors } from 'jose';
import type { JSONWebKeySet, JWK, JWTVerifyGetKey } from 'jose';
import { InvalidRequest } from '../domain/errors.ts';

/** A shorter secret can be guessed from one token. */
const SECRET_MIN_BYTES = 32;

interface Secret {
  readonly id: string | undefined;
  readonly algorithm: string;
  readonly bytes: Uint8Array;
}

/**
 * The key that a token names in its head. A secret verifies the one HMAC it is for and a public key signatures alone, so
 * that no token can have a public key taken for a secret.
 * @throws InvalidRequest for a secret that is too short, or for anything but HMAC
 */
export function keyFinder({ keys }: JSONWebKeySet): JWTVerifyGetKey {
  const secrets = keys.filter(({ kty }) => kty === 'oct').map(secretOf);
  const findPublic = createLocalJWKSet({ keys: keys.filter(({ kty }) => kty !== 'oct') });
  return async (head, token) => {
    if (!head.alg.startsWith('HS')) return findPublic(head, token);
    const [found, ...more] = secrets.filter(({ id, algorithm }) => algorithm === head.alg && (head.kid === undefined || head.kid === id));
    if (found === undefined || more.length > 0) throw new errors.JWKSNoMatchingKey();
    return found.bytes;
  };
}

function secretOf({ kid, alg = 'HS256', k = '' }: JWK): Secret {
  const bytes = Buffer.from(k, 'base64url');
  if (!/^HS(256|384|512)$/.test(alg) || bytes.byteLength < SECRET_MIN_BYTES) {
    throw new InvalidRequest(`A key of the type "oct" is for HS256, HS384 or HS512 and has at least ${SECRET_MIN_BYTES} bytes`, { field: 'jwt_keys' });
  }
  return { id: kid, algorithm: alg, bytes };
}
