/** The route of the audit log. */
import { Type } from 'typebox';
import type { ServerAudit } from '../audit.ts';
import { type ApiRoute, CLOSED, route } from './api-route.ts';
import { boundedPageBody, boundedPageOf, PAGE_LIMIT, PAGE_QUERY, timeMs } from './page-schemas.ts';

const ENTRY = Type.Object({
  number: Type.Integer(),
  atMs: timeMs('When it was done.'),
  by: Type.String({
    description:
      '`key:ID`, `configured-key:NAME`, `owner:NAME`, `claim:ID`, `device:ID`, `local`, `offline`, `public` or `service`.',
  }),
  proof: Type.Optional(Type.String({ description: 'How a device has shown who it is.' })),
  address: Type.String({ description: 'Where it came from; empty: from the machine of the server.' }),
  requestId: Type.String({ description: 'Of the request that it was done by or followed from; empty: of none.' }),
  action: Type.String({ description: 'What was done, such as `device.change`.' }),
  target: Type.String({ description: 'Id of what it was done to.' }),
  before: Type.Optional(Type.Unknown()),
  after: Type.Optional(Type.Unknown()),
});

const QUERY = {
  by: Type.Optional(Type.String({ maxLength: 1_024, description: 'Who did it.' })),
  action: Type.Optional(Type.String({ maxLength: 64, description: 'What was done.' })),
  target: Type.Optional(Type.String({ maxLength: 1_024, description: 'Id of what it was done to, such as a device.' })),
  sinceMs: Type.Optional(timeMs('Done at that time or later.')),
  beforeMs: Type.Optional(timeMs('Done before that time.')),
  refused: Type.Optional(
    Type.Boolean({
      description: 'In place of changes: refused renewals and codes, which have an order and numbers of their own.',
    }),
  ),
};

export function auditRoutes({ log, refusals }: Pick<ServerAudit, 'log' | 'refusals'>): ApiRoute[] {
  return [
    route({
      method: 'GET',
      path: '/api/v1/audit',
      operationId: 'listAuditEntries',
      summary: 'Changes, or what somebody tried and may not, the newest first; of several conditions all have to hold',
      tag: 'audit',
      scope: 'audit:read',
      query: Type.Object({ ...PAGE_QUERY, ...QUERY }, CLOSED),
      answer: boundedPageOf(ENTRY),
      async handle({ query: { limit = PAGE_LIMIT, cursor, refused = false, ...query } }) {
        const { entries, ...end } = await (refused ? refusals : log).list(limit, cursor, query);
        return { body: boundedPageBody(entries, end) };
      },
    }),
  ];
}
