/** Routes of presence, and of why a device does not come in. */
import type { DatedCertificate, DeviceService, PresenceRecord, WhyReport } from '@dunlin/devices';
import { Type } from 'typebox';
import { type ApiRoute, CLOSED, route } from './api-route.ts';
import { known } from './device-routes.ts';
import { DEVICE_PARAMS } from './device-schemas.ts';
import { type PageAsked, tablePage } from './page-cursor.ts';
import { PAGE_QUERY, pageOf, timeMs } from './page-schemas.ts';
import { PRESENCE, shownPresence } from './presence-shape.ts';
import { shownToken, TOKEN } from './token-routes.ts';

const tag = 'presence';
const scope = 'devices:read';

const REFUSAL = Type.Object({
  check: Type.String({ description: 'The check that refused it.' }),
  detail: Type.Optional(Type.String({ description: 'What was found, and what is expected.' })),
  clientId: Type.String(),
  address: Type.Optional(Type.String()),
  listener: Type.Optional(Type.String()),
  firstAtMs: timeMs('When that happened first.'),
  lastAtMs: timeMs('When that happened last.'),
  count: Type.Integer(),
});

const WHY = Type.Object({
  deviceId: Type.String(),
  isKnown: Type.Boolean({ description: 'Whether it is in the registry.' }),
  hindrances: Type.Array(Type.String(), { description: 'What keeps it out as things are; none where nothing does.' }),
  tokens: Type.Array(TOKEN),
  certificates: Type.Array(
    Type.Object({
      serial: Type.String(),
      notAfterMs: timeMs('Until when it counts.'),
      revokedAtMs: Type.Optional(timeMs('From when on not.')),
    }),
  ),
  presence: Type.Optional(PRESENCE),
  refusals: Type.Array(REFUSAL, { description: 'Since the server started, the newest first.' }),
});

export function presenceRoutes(service: DeviceService): ApiRoute[] {
  const { registry } = service;
  return [
    route({
      method: 'GET',
      path: '/api/v1/presence',
      operationId: 'listPresence',
      summary: 'Presence of devices; with connected=true of those that are connected',
      tag,
      scope,
      query: Type.Object({ ...PAGE_QUERY, connected: Type.Optional(Type.Literal(true)) }, CLOSED),
      answer: pageOf(PRESENCE),
      async handle({ query: { connected, ...query } }) {
        const list = (page: PageAsked) => service.presence.list({ connected: connected === true, ...page });
        return tablePage(query, list, ({ value }) => shownPresence(value));
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/devices/{id}/presence',
      operationId: 'getPresence',
      summary: 'Whether a device is connected, and what was last heard of it',
      tag,
      scope,
      params: DEVICE_PARAMS,
      answer: PRESENCE,
      async handle({ params: { id } }) {
        known(id, await registry.get(id));
        const found = await service.presence.get(id);
        return { body: found === undefined ? { deviceId: id, connected: false, session: 0 } : shownPresence(found) };
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/devices/{id}/why',
      operationId: 'explainDevice',
      summary: 'Why a device does not come in: also of an id that no device has',
      tag,
      scope,
      params: DEVICE_PARAMS,
      answer: WHY,
      handle: async ({ params: { id } }) => ({ body: shownWhy(await service.why(id)) }),
    }),
  ];
}

function shownWhy({
  deviceId,
  device,
  hindrances,
  tokens,
  certificates,
  presence,
  refusals,
}: WhyReport<DatedCertificate, PresenceRecord>) {
  return {
    deviceId,
    isKnown: device !== undefined,
    hindrances: [...hindrances],
    tokens: tokens.map(shownToken),
    certificates: certificates.map(({ serial, notAfterMs, revokedAtMs }) => ({
      serial,
      notAfterMs,
      ...(revokedAtMs !== undefined && { revokedAtMs }),
    })),
    ...(presence !== undefined && { presence: shownPresence(presence) }),
    refusals: refusals.map(({ check, detail, clientId, address, listener, firstAtMs, lastAtMs, count }) => ({
      check,
      ...(detail !== undefined && { detail }),
      clientId,
      ...(address !== undefined && { address }),
      ...(listener !== undefined && { listener }),
      firstAtMs,
      lastAtMs,
      count,
    })),
  };
}
