import type { SessionStanding } from '../domain/gateway.ts';
import { asSessionId } from '../domain/ids.ts';
import type { Tenant } from '../domain/tenant.ts';
import type { RouteContext } from './route.ts';

const SESSION_ENDED = 410;

/** What every answer about a session bears: its owner, in a cluster where clients go straight to, and its deadline if it has one. */
export function sessionHeaders({ node_id, expires_at }: SessionStanding, { ownUrl }: Pick<RouteContext, 'ownUrl'>): Readonly<Record<string, string>> {
  const url = ownUrl?.();
  return {
    'mayfly-node': node_id,
    ...(url === undefined ? {} : { 'mayfly-node-url': url }),
    ...(expires_at === null ? {} : { 'mayfly-expires-at': expires_at }),
  };
}

/**
 * The same for the answer to a call on `/v1/sessions/{session}`, good or bad. A session that this node answers for without
 * holding it is one it read of in the log; of one that is unknown nothing is told, another tenant's included (I7).
 */
export function headersOfCall(
  context: Pick<RouteContext, 'standing' | 'nodeId' | 'ownUrl'>,
  tenant: Tenant | undefined,
  params: Readonly<Record<string, string>>,
  status: number,
): Readonly<Record<string, string>> {
  const session = asSessionId(params['session'] ?? '');
  if (tenant === undefined || session === undefined) return {};
  const known = context.standing(tenant, session);
  if (known !== undefined) return sessionHeaders(known, context);
  return status < 400 || status === SESSION_ENDED ? sessionHeaders({ node_id: context.nodeId, expires_at: null }, context) : {};
}
