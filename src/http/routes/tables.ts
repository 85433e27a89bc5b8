import { InvalidRequest } from '../../domain/errors.ts';
import type { CreateTableRequest, TableSource } from '../../domain/gateway.ts';
import { ROW_TYPES, rowFormatOf } from '../../domain/row-format.ts';
import { ARROW_TYPE, JSON_TYPE } from '../route.ts';
import type { Call, Route, RouteContext } from '../route.ts';
import * as schemas from '../schemas.ts';
import { sessionIdOf } from './sessions.ts';

const TABLE = '/v1/sessions/:session/tables/:name';
const nameOf = (call: Call): string => call.params['name'] ?? '';

async function createRequest(call: Call, jsonMaxBytes: number): Promise<CreateTableRequest> {
  const inQuery = (call.query['primary_key'] as string | undefined)?.split(',');
  if (call.body.expectMediaType([ARROW_TYPE, JSON_TYPE]) === ARROW_TYPE) {
    return { source: { kind: 'arrow', body: call.body.stream() }, ...(inQuery === undefined ? {} : { primary_key: inQuery }) };
  }
  const body = await call.body.json(schemas.createTableBody, jsonMaxBytes);
  if (inQuery !== undefined && body.primary_key !== undefined && inQuery.join() !== body.primary_key.join()) {
    throw new InvalidRequest('The address and the body name different primary keys: name it in one of them', { field: 'primary_key' });
  }
  const primaryKey = body.primary_key ?? inQuery;
  const source = (body.columns === undefined ? { kind: 'query', query: body.query } : { kind: 'columns', columns: body.columns }) as TableSource;
  return { source, ...(primaryKey === undefined ? {} : { primary_key: primaryKey }) };
}

export function tableRoutes({ gateway, limits }: RouteContext): readonly Route[] {
  return [
    {
      method: 'PUT',
      path: TABLE,
      summary: 'Create a table from an Arrow stream, from columns, or from a query',
      access: 'tenant',
      query: schemas.createTableQuery,
      body: { [ARROW_TYPE]: null, [JSON_TYPE]: schemas.createTableBody },
      answers: { 201: { [JSON_TYPE]: schemas.table } },
      async handle(call) {
        const session = sessionIdOf(call);
        const request = await createRequest(call, limits.jsonBodyMaxBytes);
        const table = await gateway.createTable(call.tenant, session, nameOf(call), request, { signal: call.signal });
        return { status: 201, headers: { location: `/v1/sessions/${session}/tables/${table.name}` }, json: table };
      },
    },
    {
      method: 'GET',
      path: TABLE,
      summary: 'Describe a table',
      access: 'tenant',
      query: schemas.emptyQuery,
      answers: { 200: { [JSON_TYPE]: schemas.tableDetails } },
      handle: async (call) => ({ status: 200, json: await gateway.describeTable(call.tenant, sessionIdOf(call), nameOf(call)) }),
    },
    {
      method: 'DELETE',
      path: TABLE,
      summary: 'Drop a table',
      access: 'tenant',
      query: schemas.emptyQuery,
      answers: { 200: { [JSON_TYPE]: schemas.droppedTable } },
      handle: async (call) => ({
        status: 200,
        json: await gateway.dropTable(call.tenant, sessionIdOf(call), nameOf(call), { signal: call.signal }),
      }),
    },
    {
      method: 'POST',
      path: `${TABLE}/rows`,
      summary: 'Insert rows, all or none',
      access: 'tenant',
      query: schemas.emptyQuery,
      body: { ...schemas.anyRows, [JSON_TYPE]: schemas.rowsBody },
      answers: { 200: { [JSON_TYPE]: schemas.insertedRows } },
      async handle(call) {
        const session = sessionIdOf(call);
        const format = rowFormatOf(call.body.expectMediaType(ROW_TYPES)) ?? 'json';
        const inserted = await gateway.insertRows(call.tenant, session, nameOf(call), format, call.body.stream(), { signal: call.signal });
        return { status: 200, json: inserted };
      },
    },
  ];
}
