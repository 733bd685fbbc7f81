/** The route of device types: what the configuration says of them, for those who add devices and send commands. */
import type { CompiledType, DeviceService } from '@dunlin/devices';
import { Type } from 'typebox';
import { type ApiRoute, route } from './api-route.ts';
import { pageBody, pageOf } from './page-schemas.ts';

const COMMAND = Type.Object({
  topic: Type.String(),
  inputSchema: Type.Optional(Type.Unknown({ description: 'JSON Schema of what the caller gives; absent: nothing.' })),
  ttlS: Type.Integer(),
  qos: Type.Integer(),
  supersedes: Type.Boolean({ description: 'Whether a new one takes the place of those that have not gone out.' }),
  isAcknowledged: Type.Boolean({ description: 'Whether the device says that it has done it.' }),
});

const TYPE = Type.Object({
  name: Type.String(),
  credential: Type.String(),
  clientIdTemplate: Type.Optional(Type.String()),
  requiredAttributes: Type.Array(Type.String()),
  uniqueAttributes: Type.Array(Type.String(), { description: 'No two devices have the same value of these.' }),
  presenceTopic: Type.Optional(Type.String()),
  claimable: Type.Boolean(),
  commands: Type.Record(Type.String(), COMMAND),
});

export function typeRoutes({ types }: DeviceService): ApiRoute[] {
  return [
    route({
      method: 'GET',
      path: '/api/v1/types',
      operationId: 'listDeviceTypes',
      summary: 'Device types of the configuration',
      tag: 'devices',
      scope: 'devices:read',
      answer: pageOf(TYPE),
      handle: () => ({ body: pageBody(types.all.map(shownType), undefined) }),
    }),
  ];
}

function shownType({ type }: CompiledType) {
  const { name, credential, clientId, requiredAttributes, uniqueAttributes = [], presence, claimable } = type;
  const commands = Object.entries(type.commands).map(
    ([command, { topic, inputSchema, ttlS, qos, supersedes = false, acknowledgement }]) => [
      command,
      {
        topic,
        ttlS,
        qos,
        supersedes,
        isAcknowledged: acknowledgement !== undefined,
        ...(inputSchema !== undefined && { inputSchema }),
      },
    ],
  );
  return {
    name,
    credential,
    requiredAttributes: [...requiredAttributes],
    uniqueAttributes: [...uniqueAttributes],
    claimable,
    ...(clientId !== undefined && { clientIdTemplate: clientId.template }),
    ...(presence !== undefined && { presenceTopic: presence.topic }),
    commands: Object.fromEntries(commands),
  };
}
