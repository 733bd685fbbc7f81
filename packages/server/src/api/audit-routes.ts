/** The route of the audit log. */
import { Type } from 'typebox';
import { type ApiRoute, CLOSED, route } from './api-route.ts';
import type { AuditLog } from './audit-log.ts';
import { PAGE_LIMIT, PAGE_QUERY, pageBody, pageOf, timeMs } from './page-schemas.ts';

const ENTRY = Type.Object({
  number: Type.Integer(),
  atMs: timeMs('When it was done.'),
  by: Type.String({ description: '`local`, or `key:` and the id of an API key.' }),
  address: Type.String({ description: 'Where it came from; empty: from the machine of the server.' }),
  requestId: Type.String(),
  action: Type.String({ description: 'What was done, such as `device.change`.' }),
  target: Type.String({ description: 'Id of what it was done to.' }),
  before: Type.Optional(Type.Unknown()),
  after: Type.Optional(Type.Unknown()),
});

export function auditRoutes(audit: AuditLog): ApiRoute[] {
  return [
    route({
      method: 'GET',
      path: '/api/v1/audit',
      summary: 'Changes, the newest first',
      tag: 'audit',
      scope: 'audit:read',
      query: Type.Object(PAGE_QUERY, CLOSED),
      answer: pageOf(ENTRY),
      async handle({ query: { limit = PAGE_LIMIT, cursor } }) {
        const page = await audit.list(limit, cursor);
        return { body: pageBody(page.entries, page.cursor) };
      },
    }),
  ];
}
