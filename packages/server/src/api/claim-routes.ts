/** Routes of claims: what devices ask before they are anybody, and what programs and owners confirm or refuse. */
import type { ClaimInput, Collected, DeviceService, ShownClaim } from '@dunlin/devices';
import { Type } from 'typebox';
import { type ApiCall, type ApiRoute, CLOSED, route } from './api-route.ts';
import { CREDENTIALS, CSR, shownCredentials } from './credential-shape.ts';
import { headerOf, networkAddressOf } from './http-facts.ts';
import { fromCursor, toCursor } from './page-cursor.ts';
import { PAGE_LIMIT, PAGE_QUERY, pageBody, pageOf, timeMs } from './page-schemas.ts';
import { ApiProblem } from './problems.ts';

const tag = 'claims';
const TEXT = { maxLength: 1_024 } as const;
const ATTRIBUTES = Type.Record(Type.String({ maxLength: 64 }), Type.String(TEXT));

const BEGUN = Type.Object({
  claimId: Type.String(),
  secret: Type.String({ description: 'Gets what the device connects with; shown this once.' }),
  code: Type.String({ description: 'What the device shows and its owner enters.' }),
  expiresAtMs: timeMs('Until when that is possible.'),
});

const COLLECTED = Type.Union([
  Type.Object({ state: Type.Literal('pending'), expiresAtMs: timeMs('Until when the code counts.') }),
  Type.Object({
    state: Type.Literal('ready'),
    deviceId: Type.String({ description: 'The User Name of the device.' }),
    credentials: CREDENTIALS,
  }),
]);

const CONFIRMATION = Type.Object(
  {
    code: Type.String({ maxLength: 64 }),
    owner: Type.Optional(Type.String({ ...TEXT, description: 'With an API key: whose device it is.' })),
    name: Type.Optional(Type.String({ ...TEXT, description: 'For people.' })),
    attributes: Type.Optional(ATTRIBUTES),
    replaces: Type.Optional(
      Type.String({
        maxLength: 128,
        description: 'Device of this owner that gets other credentials; default: a new one.',
      }),
    ),
  },
  CLOSED,
);

const CLAIM = Type.Object(
  {
    claimId: Type.String(),
    type: Type.String(),
    attributes: Type.Record(Type.String(), Type.String(), { description: 'What the device says of itself.' }),
    address: Type.String({ description: 'Where the device is.' }),
    state: Type.Enum(['open', 'confirmed', 'collected']),
    owner: Type.Optional(Type.String({ description: 'Who entered the code.' })),
    deviceId: Type.Optional(Type.String({ description: 'What it became.' })),
    createdAtMs: timeMs('When the device asked.'),
    expiresAtMs: timeMs('When it is over.'),
  },
  { description: 'Without the code, which the device shows, and without its secret.' },
);

const ID = Type.Object({ id: Type.String({ maxLength: 128 }) });

export function claimRoutes(service: DeviceService): ApiRoute[] {
  return [...routesOfDevices(service), confirmationRoute(service), ...routesOfOperators(service)];
}

/** For whoever is nobody yet. */
function routesOfDevices({ claims }: DeviceService): ApiRoute[] {
  return [
    route({
      method: 'POST',
      path: '/api/v1/claims',
      operationId: 'beginClaim',
      summary: 'A device asks for a place, and gets a code to show',
      tag,
      scope: 'public',
      body: Type.Object(
        { type: Type.String({ maxLength: 64 }), attributes: Type.Optional(ATTRIBUTES), csr: CSR },
        CLOSED,
      ),
      answer: BEGUN,
      status: 201,
      isSecret: true,
      handle: async ({ body, http }) => ({ body: await claims.begin(body as ClaimInput, networkAddressOf(http)) }),
    }),
    route({
      method: 'POST',
      path: '/api/v1/claims/{id}/collect',
      operationId: 'collectClaim',
      summary: 'The device asks for its credentials, with its secret as X-Claim-Secret; 202 until the code was entered',
      tag,
      scope: 'public',
      params: ID,
      answer: COLLECTED,
      isSecret: true,
      async handle({ params: { id }, http }) {
        const collected = await claims.collect(id, headerOf(http, 'x-claim-secret'));
        return { status: collected.state === 'pending' ? 202 : 200, body: shownCollected(collected) };
      },
    }),
  ];
}

function confirmationRoute(service: DeviceService): ApiRoute {
  return route({
    method: 'POST',
    path: '/api/v1/claims/confirm',
    operationId: 'confirmClaim',
    summary: 'The code of a device is entered: it becomes a device of the owner',
    tag,
    scope: 'claims:write',
    allowsOwners: true,
    body: CONFIRMATION,
    answer: Type.Object({ deviceId: Type.String(), type: Type.String(), name: Type.String() }),
    async handle(call) {
      const { code, owner, ...rest } = call.body;
      if (call.caller.session !== undefined && (owner !== undefined || rest.attributes !== undefined))
        throw new ApiProblem('input-invalid', 'Cannot take owner and attributes of a user: an API key is expected');
      const { registered } = await confirmed(service, call, owner, { code, ...rest });
      const { id: deviceId, type, name } = registered.device;
      return { body: { deviceId, type, name } };
    },
  });
}

function routesOfOperators({ claims }: DeviceService): ApiRoute[] {
  return [
    route({
      method: 'GET',
      path: '/api/v1/claims',
      operationId: 'listClaims',
      summary: 'Devices that ask for a place, those whose time ends first in front',
      tag,
      scope: 'devices:read',
      query: Type.Object(PAGE_QUERY, CLOSED),
      answer: pageOf(CLAIM),
      async handle({ query: { limit = PAGE_LIMIT, cursor } }) {
        const page = await fromCursor(cursor, (at) => claims.list({ limit, ...(at !== undefined && { cursor: at }) }));
        return { body: pageBody(page.claims.map(shownClaim), toCursor(page.cursor)) };
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/claims/{id}/refuse',
      operationId: 'refuseClaim',
      summary: 'End a claim that was not collected: the device has to begin anew',
      tag,
      scope: 'claims:write',
      params: ID,
      answer: CLAIM,
      async handle({ params: { id } }) {
        return { body: shownClaim(await claims.refuse(id)) };
      },
    }),
  ];
}

interface Confirmation {
  readonly code: string;
  readonly name?: string | undefined;
  readonly attributes?: Readonly<Record<string, string>> | undefined;
  readonly replaces?: string | undefined;
}

/** Enters a code for the user who is signed in, or for whom a program names. */
export function confirmed(
  { claims }: DeviceService,
  { caller, http }: Pick<ApiCall<never, never, never>, 'caller' | 'http'>,
  named: string | undefined,
  { code, ...rest }: Confirmation,
) {
  const owner = caller.session?.owner ?? named;
  if (owner === undefined || owner === '')
    throw new ApiProblem('input-invalid', 'Cannot confirm a claim: an owner is expected');
  const address = caller.session === undefined ? undefined : networkAddressOf(http);
  return claims.confirm(code, { owner, by: caller.by, address, ...rest });
}

function shownClaim({ owner, deviceId, ...rest }: ShownClaim) {
  return { ...rest, ...(owner !== undefined && { owner }), ...(deviceId !== undefined && { deviceId }) };
}

function shownCollected(collected: Collected) {
  if (collected.state === 'pending') return collected;
  const { state, deviceId, credentials } = collected;
  return { state, deviceId, credentials: shownCredentials(credentials) };
}
