/** Routes of users who are signed in, about the devices that they own: the same that the page `/claim` does. */
import type { CredentialState, DeviceService, RegisteredDevice } from '@dunlin/devices';
import { Type } from 'typebox';
import { type ApiRoute, CLOSED, route } from './api-route.ts';
import { CSR, shownGiven } from './credential-shape.ts';
import { DEVICE_PARAMS, ISSUED_CERTIFICATE } from './device-schemas.ts';
import type { OwnerSession } from './owner-sessions.ts';
import { PAGE_LIMIT, PAGE_QUERY, pageBody, pageOf, timeMs } from './page-schemas.ts';
import { ApiProblem } from './problems.ts';
import type { Caller } from './scopes.ts';

const tag = 'owners';
const scope = 'owner';

const OWN_DEVICE = Type.Object({
  id: Type.String(),
  name: Type.String(),
  type: Type.String(),
  enabled: Type.Boolean(),
  connected: Type.Boolean(),
  hasToken: Type.Boolean({ description: 'Whether a token lets it in.' }),
  certificateEndsAtMs: Type.Optional(timeMs('Until when its certificate counts.')),
  renewableUntilMs: Type.Optional(timeMs('Until when it can renew by itself.')),
});

/** A device as its owner sees it. */
export interface OwnDevice extends CredentialState {
  readonly registered: RegisteredDevice;
  readonly isConnected: boolean;
  /** Its code was entered, and it is expected to fetch its credentials. */
  readonly isAwaited: boolean;
}

export function ownerRoutes(service: DeviceService): ApiRoute[] {
  const { desk } = service;
  const path = '/api/v1/my/devices';
  return [
    route({
      method: 'GET',
      path: '/api/v1/my',
      operationId: 'getOwnSession',
      summary: 'Who is signed in, and the token that has to be sent with every change',
      tag,
      scope,
      answer: Type.Object({ owner: Type.String(), formToken: Type.String() }),
      handle: ({ caller }) => ({ body: { owner: sessionOf(caller).owner, formToken: sessionOf(caller).formToken } }),
    }),
    route({
      method: 'GET',
      path,
      operationId: 'listOwnDevices',
      summary: 'Devices of whoever is signed in',
      tag,
      scope,
      query: Type.Object(PAGE_QUERY, CLOSED),
      answer: pageOf(OWN_DEVICE),
      async handle({ caller, query: { limit = PAGE_LIMIT, cursor } }) {
        const page = await ownDevices(service, sessionOf(caller).owner, limit, cursor);
        return { body: pageBody(page.devices.map(shownOwn), page.cursor) };
      },
    }),
    route({
      method: 'POST',
      path: `${path}/{id}/renew`,
      operationId: 'renewOwnDevice',
      summary: 'A certificate in place of the one that the device has, to be carried to it',
      tag,
      scope,
      params: DEVICE_PARAMS,
      body: Type.Object({ csr: CSR }, CLOSED),
      answer: ISSUED_CERTIFICATE,
      status: 201,
      isSecret: true,
      async handle({ caller, params: { id }, body }) {
        const registered = await ownDevice(service, sessionOf(caller).owner, id);
        return { body: shownGiven(await desk.renewForOwner(registered, { ...body, by: caller.by })) };
      },
    }),
    route({
      method: 'POST',
      path: `${path}/{id}/revoke`,
      operationId: 'revokeOwnDevice',
      summary: 'Take all credentials of the device away; whoever is connected with one goes',
      tag,
      scope,
      params: DEVICE_PARAMS,
      status: 204,
      async handle({ caller, params: { id } }) {
        await desk.end(await ownDevice(service, sessionOf(caller).owner, id), caller.by);
        return {};
      },
    }),
  ];
}

/** @throws ApiProblem device-unknown alike where there is none, and where it is somebody else's */
export async function ownDevice({ registry }: DeviceService, owner: string, id: string): Promise<RegisteredDevice> {
  const registered = await registry.get(id);
  if (registered?.device.owner === owner) return registered;
  throw new ApiProblem(
    'device-unknown',
    `Cannot find the device ${JSON.stringify(id.slice(0, 128))}: one of yours is expected`,
  );
}

/** One page of them, with what they have. */
export async function ownDevices(
  service: DeviceService,
  owner: string,
  limit: number,
  cursor: string | undefined,
): Promise<{ readonly devices: readonly OwnDevice[]; readonly cursor: string | undefined }> {
  const page = await service.registry.list({ owner, limit, ...(cursor !== undefined && { cursor }) });
  const devices: OwnDevice[] = [];
  for (const registered of page.devices) {
    const presence = await service.presence.get(registered.device.id);
    devices.push({
      ...(await service.desk.state(registered)),
      registered,
      isConnected: presence?.connected === true,
      isAwaited: await service.claims.isAwaited(registered.device.id),
    });
  }
  return { devices, cursor: page.cursor };
}

/** @throws ApiProblem session-missing */
function sessionOf({ session }: Caller): OwnerSession {
  if (session !== undefined) return session;
  throw new ApiProblem('session-missing', 'Cannot do this: a user who is signed in is expected');
}

function shownOwn({ registered: { device }, isConnected, ...state }: OwnDevice) {
  const { id, name, type, enabled } = device;
  const { hasToken, certificateEndsAtMs, renewableUntilMs } = state;
  return {
    id,
    name,
    type,
    enabled,
    connected: isConnected,
    hasToken,
    ...(certificateEndsAtMs !== undefined && { certificateEndsAtMs }),
    ...(renewableUntilMs !== undefined && { renewableUntilMs }),
  };
}
