/** Routes of the tokens of a device. A token is in the answer that makes it, and nowhere else. */
import type { DeviceService, IssuedToken, TokenInfo } from '@dunlin/devices';
import { Type } from 'typebox';
import { type ApiRoute, CLOSED, route } from './api-route.ts';
import { known } from './device-routes.ts';
import { DEVICE_PARAMS } from './device-schemas.ts';
import { pageBody, pageOf, timeMs } from './page-schemas.ts';

const tag = 'credentials';
const scope = 'credentials:write';
const PATH = '/api/v1/devices/{id}/tokens';

export const TOKEN = Type.Object({
  id: Type.String(),
  label: Type.String(),
  hash: Type.String({ description: 'What is kept of it: `sha256`, or `argon2id` of a short one.' }),
  createdAtMs: timeMs('When it was made.'),
  endsAtMs: Type.Optional(timeMs('When it counts no longer; absent: never.')),
  lastUsedAtMs: Type.Optional(timeMs('When it was shown last, to the minute; absent: never.')),
});

const ISSUED = Type.Object({
  tokenId: Type.String(),
  token: Type.String({ description: 'The token itself, shown this once.' }),
  expiresAtMs: Type.Optional(timeMs('When it ends; absent: never.')),
});

const EXPIRY = {
  expiresInS: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 3_155_760_000, description: 'Default: it never ends.' }),
  ),
  label: Type.Optional(Type.String({ maxLength: 128, description: 'For people.' })),
};
const NEW_TOKEN = Type.Object(
  {
    ...EXPIRY,
    token: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 1_024,
        description: 'One that the device has already. Default: a new one is made.',
      }),
    ),
  },
  CLOSED,
);
const ROTATION = Type.Object(
  {
    ...EXPIRY,
    overlapS: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 31_536_000,
        description: 'Time for which the others count on; default a day.',
      }),
    ),
  },
  CLOSED,
);

export function tokenRoutes({ registry, tokens }: DeviceService): ApiRoute[] {
  return [
    route({
      method: 'GET',
      path: PATH,
      operationId: 'listTokens',
      summary: 'What is known of the tokens of a device',
      tag,
      scope: 'devices:read',
      params: DEVICE_PARAMS,
      answer: pageOf(TOKEN),
      async handle({ params: { id } }) {
        const found = await tokens.list(known(id, await registry.get(id)));
        return { body: pageBody(found.map(shownToken), undefined) };
      },
    }),
    route({
      method: 'POST',
      path: PATH,
      operationId: 'issueToken',
      summary: 'Make a token for a device, or import one',
      tag,
      scope,
      params: DEVICE_PARAMS,
      body: NEW_TOKEN,
      answer: Type.Partial(ISSUED),
      status: 201,
      isSecret: true,
      async handle({ caller, params: { id }, body: { token, ...options } }) {
        const wishes = { ...options, by: caller.by };
        if (token === undefined) return issued(id, await tokens.issue(id, wishes));
        return issued(id, await tokens.importToken(id, token, wishes));
      },
    }),
    route({
      method: 'POST',
      path: `${PATH}/rotate`,
      operationId: 'rotateTokens',
      summary: 'Make a token in place of the others, which count on for a while',
      tag,
      scope,
      params: DEVICE_PARAMS,
      body: ROTATION,
      answer: Type.Partial(ISSUED),
      status: 201,
      isSecret: true,
      async handle({ caller, params: { id }, body }) {
        return issued(id, await tokens.rotate(id, { ...body, by: caller.by }));
      },
    }),
    route({
      method: 'DELETE',
      path: `${PATH}/{tokenId}`,
      operationId: 'revokeToken',
      summary: 'Revoke a token; whoever is connected with it goes',
      tag,
      scope,
      params: Type.Object({ ...DEVICE_PARAMS.properties, tokenId: Type.String({ minLength: 1, maxLength: 64 }) }),
      status: 204,
      async handle({ caller, params: { id, tokenId } }) {
        await tokens.revoke(id, tokenId, caller.by);
        return {};
      },
    }),
  ];
}

/** Infinity is no word of JSON. */
function issued(id: string, { tokenId, expiresAtMs, token }: Omit<IssuedToken, 'token'> & { readonly token?: string }) {
  const seen = { tokenId, ...(Number.isFinite(expiresAtMs) && { expiresAtMs }) };
  return {
    body: { ...seen, ...(token !== undefined && { token }) },
    location: `/api/v1/devices/${encodeURIComponent(id)}/tokens/${tokenId}`,
  };
}

export function shownToken({ id, label, hash, createdAtMs, endsAtMs, lastUsedAtMs }: TokenInfo) {
  return {
    id,
    label,
    hash,
    createdAtMs,
    ...(Number.isFinite(endsAtMs) && { endsAtMs }),
    ...(lastUsedAtMs !== undefined && { lastUsedAtMs }),
  };
}
