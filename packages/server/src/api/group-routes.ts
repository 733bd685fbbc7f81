/** Routes of commands to groups: a batch of them, so many a second, and how far it has come. */
import type { Batch, DeviceService } from '@dunlin/devices';
import { Type } from 'typebox';
import { type ApiRoute, CLOSED, route } from './api-route.ts';
import { COMMAND, shownCommand } from './command-routes.ts';
import { type PageAsked, tablePage } from './page-cursor.ts';
import { PAGE_QUERY, pageOf, timeMs } from './page-schemas.ts';
import { ApiProblem } from './problems.ts';

const tag = 'commands';

const BATCH = Type.Object({
  id: Type.String(),
  group: Type.String(),
  type: Type.String(),
  perSecond: Type.Integer(),
  by: Type.String(),
  state: Type.Enum(['running', 'done', 'cancelled', 'expired']),
  requested: Type.Integer({ description: 'Members for which a command was taken.' }),
  refused: Type.Integer({ description: 'Members for which none was.' }),
  refusals: Type.Array(Type.Object({ deviceId: Type.String(), code: Type.String() }), {
    description: 'The first of them.',
  }),
  requestedAtMs: timeMs('When it was requested.'),
  endedAtMs: Type.Optional(timeMs('When it ended; absent: it goes on.')),
});

const NEW_BATCH = Type.Object(
  {
    input: Type.Optional(Type.Unknown()),
    id: Type.Optional(Type.String({ maxLength: 100, description: 'Makes a repeat harmless; default: a new one.' })),
    ttlS: Type.Optional(Type.Integer({ minimum: 1 })),
    perSecond: Type.Optional(Type.Integer({ minimum: 1, maximum: 5_000, description: 'Default 100.' })),
  },
  CLOSED,
);
const ID = Type.Object({ batchId: Type.String({ minLength: 1, maxLength: 100 }) });

export function groupRoutes(service: DeviceService): ApiRoute[] {
  return [
    route({
      method: 'POST',
      path: '/api/v1/groups/{group}/commands/{type}',
      operationId: 'sendGroupCommand',
      summary: 'Have every device of a group do something, so many a second',
      tag,
      scope: 'commands:write',
      params: Type.Object({
        group: Type.String({ minLength: 1, maxLength: 128 }),
        type: Type.String({ minLength: 1, maxLength: 64 }),
      }),
      body: NEW_BATCH,
      answer: BATCH,
      status: 202,
      async handle({ caller, params, body }) {
        const batch = shownBatch(await service.groupCommands.request({ ...body, ...params, by: caller.by }));
        return { body: batch, location: `/api/v1/batches/${batch.id}` };
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/batches/{batchId}',
      operationId: 'getBatch',
      summary: 'How far a command to a group has come',
      tag,
      scope: 'devices:read',
      params: ID,
      answer: BATCH,
      async handle({ params: { batchId } }) {
        return { body: shownBatch(known(batchId, await service.groupCommands.get(batchId))) };
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/batches/{batchId}/commands',
      operationId: 'listBatchCommands',
      summary: 'The commands of a batch in the order of request, as long as they are kept',
      tag,
      scope: 'devices:read',
      params: ID,
      query: Type.Object(PAGE_QUERY, CLOSED),
      answer: pageOf(COMMAND),
      async handle({ params: { batchId }, query }) {
        known(batchId, await service.groupCommands.get(batchId));
        const list = (page: PageAsked) => service.commands.list({ batchId, ...page });
        return tablePage(query, list, ({ value }) => shownCommand(value));
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/batches/{batchId}/cancel',
      operationId: 'cancelBatch',
      summary: 'Ask for no more commands of a batch; those that were taken go on',
      tag,
      scope: 'commands:write',
      params: ID,
      answer: BATCH,
      async handle({ params: { batchId } }) {
        return { body: shownBatch(await service.groupCommands.cancel(batchId)) };
      },
    }),
  ];
}

/** @throws ApiProblem command-unknown */
function known(batchId: string, found: Batch | undefined): Batch {
  if (found !== undefined) return found;
  throw new ApiProblem(
    'command-unknown',
    `Cannot find the batch ${JSON.stringify(batchId)}: the id of one is expected`,
  );
}

function shownBatch({ id, group, type, perSecond, by, state, requested, refused, refusals, ...times }: Batch) {
  const { requestedAtMs, endedAtMs } = times;
  return {
    id,
    group,
    type,
    perSecond,
    by,
    state,
    requested,
    refused,
    refusals: refusals.map(({ deviceId, code }) => ({ deviceId, code })),
    requestedAtMs,
    ...(endedAtMs !== undefined && { endedAtMs }),
  };
}
