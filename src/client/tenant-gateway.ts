import type { Gateway } from '../domain/gateway.ts';
import type { Tenant } from '../domain/tenant.ts';

type WithoutTenant<Call> = Call extends (tenant: Tenant, ...rest: infer Rest) => infer Answer ? (...rest: Rest) => Answer : never;

/** A gateway bound to one tenant. Handles hold this alone, so that no call can name another tenant (I7). */
export type TenantGateway = { readonly [Call in keyof Gateway]: WithoutTenant<Gateway[Call]> };

/** A gateway whose server can take the tenant from the token, when the caller leaves the name out. */
export type TokenGateway = {
  readonly [Call in keyof Gateway]: WithoutTenant<Gateway[Call]> extends (...rest: infer Rest) => infer Answer
    ? (tenant: Tenant | undefined, ...rest: Rest) => Answer
    : never;
};

export function bindTenant(gateway: Gateway, tenant: Tenant): TenantGateway;
export function bindTenant(gateway: TokenGateway, tenant: Tenant | undefined): TenantGateway;
export function bindTenant(gateway: Gateway | TokenGateway, name: Tenant | undefined): TenantGateway {
  const tenant = name as Tenant;
  return {
    openSession: (...rest) => gateway.openSession(tenant, ...rest),
    listSessions: (...rest) => gateway.listSessions(tenant, ...rest),
    describeSession: (...rest) => gateway.describeSession(tenant, ...rest),
    extendSession: (...rest) => gateway.extendSession(tenant, ...rest),
    touchSession: (...rest) => gateway.touchSession(tenant, ...rest),
    cancelStatement: (...rest) => gateway.cancelStatement(tenant, ...rest),
    closeSession: (...rest) => gateway.closeSession(tenant, ...rest),
    closeSessions: (...rest) => gateway.closeSessions(tenant, ...rest),
    sessionEnded: (...rest) => gateway.sessionEnded(tenant, ...rest),
    createTable: (...rest) => gateway.createTable(tenant, ...rest),
    describeTable: (...rest) => gateway.describeTable(tenant, ...rest),
    dropTable: (...rest) => gateway.dropTable(tenant, ...rest),
    insertRows: (...rest) => gateway.insertRows(tenant, ...rest),
    query: (...rest) => gateway.query(tenant, ...rest),
    lifecycle: (...rest) => gateway.lifecycle(tenant, ...rest),
  };
}
