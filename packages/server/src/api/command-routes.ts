/** Routes of commands: to one device, and what became of them. */
import type { Command, DeviceService } from '@dunlin/devices';
import { Type } from 'typebox';
import { type ApiRoute, CLOSED, route } from './api-route.ts';
import { known } from './device-routes.ts';
import { DEVICE_PARAMS } from './device-schemas.ts';
import { type PageAsked, tablePage } from './page-cursor.ts';
import { PAGE_QUERY, pageOf, timeMs } from './page-schemas.ts';
import { ApiProblem } from './problems.ts';

const tag = 'commands';
const WAIT_MS_MAX = 60_000;

export const COMMAND = Type.Object({
  id: Type.String(),
  deviceId: Type.String(),
  type: Type.String(),
  input: Type.Optional(Type.Unknown()),
  state: Type.Enum(['queued', 'sent', 'acknowledged', 'expired', 'failed']),
  confirmed: Type.Boolean({ description: 'Whether the device is known to have got it.' }),
  awaitsAcknowledgement: Type.Boolean({ description: 'Whether the device is to say itself that it was done.' }),
  attempts: Type.Integer({ description: 'How often it went out.' }),
  requestedAtMs: timeMs('When it was requested.'),
  expiresAtMs: timeMs('When it has expired, unless it has ended before.'),
  sentAtMs: Type.Optional(timeMs('When it last went out.')),
  endedAtMs: Type.Optional(timeMs('When it ended; absent: something may still happen to it.')),
  why: Type.String({ description: 'Why it is in this state.' }),
  by: Type.String(),
  batchId: Type.Optional(Type.String()),
});

const NEW_COMMAND = Type.Object(
  {
    input: Type.Optional(Type.Unknown({ description: 'What the command takes, by its schema.' })),
    id: Type.Optional(Type.String({ maxLength: 128, description: 'Makes a repeat harmless; default: a new one.' })),
    ttlS: Type.Optional(
      Type.Integer({ minimum: 1, description: 'Time in which it has to be confirmed; default: of its type.' }),
    ),
  },
  CLOSED,
);
const WAIT = Type.Object(
  {
    waitMs: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: WAIT_MS_MAX,
        description: 'How long to wait for what becomes of it; default 0.',
      }),
    ),
  },
  CLOSED,
);
const ID = Type.Object({ commandId: Type.String({ minLength: 1, maxLength: 128 }) });

export function commandRoutes(service: DeviceService): ApiRoute[] {
  return [...routesOfDevice(service), ...routesOfCommand(service)];
}

function routesOfDevice(service: DeviceService): ApiRoute[] {
  return [
    route({
      method: 'GET',
      path: '/api/v1/devices/{id}/commands',
      operationId: 'listCommands',
      summary: 'Commands of a device, the newest first',
      tag,
      scope: 'devices:read',
      params: DEVICE_PARAMS,
      query: Type.Object(PAGE_QUERY, CLOSED),
      answer: pageOf(COMMAND),
      async handle({ params: { id }, query }) {
        known(id, await service.registry.get(id));
        const list = (page: PageAsked) => service.commands.list({ deviceId: id, ...page });
        return tablePage(query, list, ({ value }) => shownCommand(value));
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/devices/{id}/commands/{type}',
      operationId: 'sendCommand',
      summary: 'Have a device do something; answered when that can no longer be lost, or after waitMs',
      tag,
      scope: 'commands:write',
      params: Type.Object({ ...DEVICE_PARAMS.properties, type: Type.String({ minLength: 1, maxLength: 64 }) }),
      query: WAIT,
      body: NEW_COMMAND,
      answer: COMMAND,
      status: 202,
      async handle({ caller, params: { id, type }, query: { waitMs = 0 }, body, gone }) {
        const { commands } = service;
        const requested = await commands.request({ ...body, deviceId: id, type, by: caller.by });
        const waited = waitMs === 0 ? undefined : await commands.wait(requested.id, waitMs, gone);
        return {
          body: shownCommand(waited ?? requested),
          location: `/api/v1/commands/${requested.id}`,
        };
      },
    }),
  ];
}

/** `commands` is there from when the service has a broker. */
function routesOfCommand(service: DeviceService): ApiRoute[] {
  return [
    route({
      method: 'GET',
      path: '/api/v1/commands/{commandId}',
      operationId: 'getCommand',
      summary: 'A command',
      tag,
      scope: 'devices:read',
      params: ID,
      query: WAIT,
      answer: COMMAND,
      async handle({ params: { commandId }, query: { waitMs = 0 }, gone }) {
        const { commands } = service;
        const found = waitMs === 0 ? await commands.get(commandId) : await commands.wait(commandId, waitMs, gone);
        if (found !== undefined) return { body: shownCommand(found) };
        throw new ApiProblem(
          'command-unknown',
          `Cannot find the command ${JSON.stringify(commandId)}: the id of one is expected`,
        );
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/commands/{commandId}/cancel',
      operationId: 'cancelCommand',
      summary: 'Cancel a command; one that is on its way may arrive all the same',
      tag,
      scope: 'commands:write',
      params: ID,
      answer: COMMAND,
      async handle({ caller, params: { commandId } }) {
        return { body: shownCommand(await service.commands.cancel(commandId, caller.by)) };
      },
    }),
  ];
}

export function shownCommand({ id, deviceId, type, input, state, confirmed, attempts, ...rest }: Command) {
  const { awaitsAcknowledgement, requestedAtMs, expiresAtMs, sentAtMs, endedAtMs, why, by, batchId } = rest;
  return {
    id,
    deviceId,
    type,
    ...(input !== undefined && { input }),
    state,
    confirmed,
    awaitsAcknowledgement,
    attempts,
    requestedAtMs,
    expiresAtMs,
    ...(sentAtMs !== undefined && { sentAtMs }),
    ...(endedAtMs !== undefined && { endedAtMs }),
    why,
    by,
    ...(batchId !== undefined && { batchId }),
  };
}
