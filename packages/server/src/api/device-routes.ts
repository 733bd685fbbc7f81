/** Routes of the registry: devices one by one, and lists of them. */
import type { DeviceService, FoundDevice, RegisteredDevice } from '@dunlin/devices';
import { Type } from 'typebox';
import { type ApiRoute, CLOSED, route } from './api-route.ts';
import { DEVICE, DEVICE_PARAMS, DEVICE_PATCH, NEW_DEVICE, shownDevice } from './device-schemas.ts';
import { boundedPageBody, boundedPageOf, PAGE_QUERY } from './page-schemas.ts';
import { PRESENCE, shownPresence } from './presence-shape.ts';
import { ApiProblem } from './problems.ts';

const tag = 'devices';
const PATH = '/api/v1/devices/{id}';

/** Which devices are meant. */
export const QUERY_OF_DEVICES = {
  type: Type.Optional(Type.String({ maxLength: 64 })),
  group: Type.Optional(Type.String({ maxLength: 128 })),
  owner: Type.Optional(Type.String({ maxLength: 256 })),
  attribute: Type.Optional(Type.String({ maxLength: 1_100, description: 'NAME=VALUE.' })),
  prefix: Type.Optional(Type.String({ maxLength: 128, description: 'Of the id.' })),
  enabled: Type.Optional(Type.Boolean()),
} as const;

const CONNECTED = Type.Optional(
  Type.Boolean({ description: 'Whether it is connected; each device then has its presence.' }),
);

const FOUND = Type.Object({
  ...DEVICE.properties,
  presence: Type.Optional(PRESENCE),
});

export function deviceRoutes(service: DeviceService): ApiRoute[] {
  return [...routesOfAll(service), ...routesOfOne(service)];
}

function routesOfAll(service: DeviceService): ApiRoute[] {
  return [
    route({
      method: 'GET',
      path: '/api/v1/devices',
      operationId: 'listDevices',
      summary: 'Devices; of several conditions all have to hold',
      tag,
      scope: 'devices:read',
      query: Type.Object({ ...PAGE_QUERY, ...QUERY_OF_DEVICES, connected: CONNECTED }, CLOSED),
      answer: boundedPageOf(FOUND),
      async handle({ query }) {
        const { devices, ...end } = await service.search(query);
        return { body: boundedPageBody(devices.map(shownFound), end) };
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/devices',
      operationId: 'addDevice',
      summary: 'Add a device',
      tag,
      scope: 'devices:write',
      body: NEW_DEVICE,
      answer: DEVICE,
      status: 201,
      async handle({ caller, body }) {
        const added = await service.registry.add(body, caller.by);
        const after = shownDevice(added);
        const location = `/api/v1/devices/${encodeURIComponent(after.id)}`;
        return { body: after, location, revision: added.revision };
      },
    }),
  ];
}

function routesOfOne({ registry }: DeviceService): ApiRoute[] {
  return [
    route({
      method: 'GET',
      path: PATH,
      operationId: 'getDevice',
      summary: 'A device',
      tag,
      scope: 'devices:read',
      params: DEVICE_PARAMS,
      answer: DEVICE,
      async handle({ params: { id } }) {
        const found = known(id, await registry.get(id));
        return { body: shownDevice(found), revision: found.revision };
      },
    }),
    route({
      method: 'PATCH',
      path: PATH,
      operationId: 'changeDevice',
      summary: 'Change a device; what is left out stays, null takes away',
      tag,
      scope: 'devices:write',
      params: DEVICE_PARAMS,
      body: DEVICE_PATCH,
      answer: DEVICE,
      async handle({ caller, params: { id }, body, expected }) {
        known(id, await registry.get(id));
        const changed = await registry.change(id, body, { by: caller.by, ...(expected && { expected }) });
        return { body: shownDevice(changed), revision: changed.revision };
      },
    }),
    route({
      method: 'DELETE',
      path: PATH,
      operationId: 'removeDevice',
      summary: 'Remove a device, with its credentials, commands and sessions',
      tag,
      scope: 'devices:write',
      params: DEVICE_PARAMS,
      status: 204,
      async handle({ caller, params: { id }, expected }) {
        known(id, await registry.get(id));
        await registry.remove(id, { by: caller.by, ...(expected && { expected }) });
        return {};
      },
    }),
  ];
}

function shownFound({ presence, ...registered }: FoundDevice) {
  return { ...shownDevice(registered), ...(presence !== undefined && { presence: shownPresence(presence) }) };
}

/** @throws ApiProblem device-unknown */
export function known(id: string, found: RegisteredDevice | undefined): RegisteredDevice {
  if (found !== undefined) return found;
  throw new ApiProblem('device-unknown', `Cannot find the device ${JSON.stringify(id)}: the id of one is expected`);
}
