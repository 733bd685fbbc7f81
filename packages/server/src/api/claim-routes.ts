/** Routes of claims: what devices ask before they are anybody, what programs and owners confirm, and renewal. */
import type {
  ClaimInput,
  Collected,
  DeviceCredentials,
  DeviceService,
  GivenCertificate,
  ShownClaim,
} from '@dunlin/devices';
import type { Authorities } from '@dunlin/identity';
import { networkOf } from '@dunlin/transport/network';
import { Type } from 'typebox';
import { type ApiCall, type ApiRoute, CLOSED, type HttpFacts, route } from './api-route.ts';
import { ISSUED_CERTIFICATE } from './device-schemas.ts';
import { fromCursor, toCursor } from './page-cursor.ts';
import { PAGE_LIMIT, PAGE_QUERY, pageBody, pageOf, timeMs } from './page-schemas.ts';
import { ApiProblem } from './problems.ts';

const tag = 'claims';
const TEXT = { maxLength: 1_024 } as const;
const CSR = Type.Optional(Type.String({ maxLength: 24_000, description: 'PKCS#10 (PEM) for a key of the device.' }));
const ATTRIBUTES = Type.Record(Type.String({ maxLength: 64 }), Type.String(TEXT));

const BEGUN = Type.Object({
  claimId: Type.String(),
  secret: Type.String({ description: 'Gets what the device connects with; shown this once.' }),
  code: Type.String({ description: 'What the device shows and its owner enters.' }),
  expiresAtMs: timeMs('Until when that is possible.'),
});

const CREDENTIALS = Type.Object({
  token: Type.Optional(Type.String({ description: 'The password of the device.' })),
  certificate: Type.Optional(ISSUED_CERTIFICATE),
  renewalToken: Type.Optional(
    Type.String({ description: 'For /api/v1/device/renew; each renewal gives another one.' }),
  ),
  renewalTokenExpiresAtMs: Type.Optional(timeMs('Until when it counts.')),
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

const RENEWAL = Type.Object(
  {
    deviceId: Type.Optional(Type.String({ maxLength: 128, description: 'With a renewal token.' })),
    csr: CSR,
    generateKey: Type.Optional(Type.Literal(true, { description: 'Make the key here; it is in the answer.' })),
  },
  CLOSED,
);

const ID = Type.Object({ id: Type.String({ maxLength: 128 }) });

export function claimRoutes(service: DeviceService, authorities: Authorities | undefined): ApiRoute[] {
  const { claims, desk, issuing } = service;
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
      handle: async ({ body, http }) => ({ body: await claims.begin(body as ClaimInput, addressOf(http)) }),
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
    route({
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
    }),
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
    route({
      method: 'POST',
      path: '/api/v1/device/renew',
      operationId: 'renewOwnCertificate',
      summary: 'A device renews: with its renewal token as X-Renewal-Token, or with its certificate in TLS',
      tag,
      scope: 'public',
      body: RENEWAL,
      answer: Type.Object({ deviceId: Type.String(), credentials: CREDENTIALS }),
      status: 201,
      isSecret: true,
      async handle({ body: { deviceId, csr, generateKey }, http }) {
        if ((csr === undefined) === (generateKey === undefined))
          throw new ApiProblem('input-invalid', 'Cannot renew: either csr or generateKey is expected');
        const address = addressOf(http);
        if (deviceId !== undefined) {
          const credentials = await desk.renewByToken(deviceId, headerOf(http, 'x-renewal-token'), address, { csr });
          return { body: { deviceId, credentials: shownCredentials(credentials) } };
        }
        const found = authorities?.examine(http.peer?.certificates ?? [], issuing ? [issuing.authority.name] : []);
        if (found === undefined || found.problem !== undefined)
          throw new ApiProblem(
            'renewal-refused',
            'Cannot renew: deviceId and X-Renewal-Token, or a certificate is expected',
          );
        const credentials = await desk.renewByCertificate(found.facts, address, { csr });
        return { body: { deviceId: found.facts.commonName ?? '', credentials: shownCredentials(credentials) } };
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
  const address = caller.session === undefined ? undefined : addressOf(http);
  return claims.confirm(code, { owner, by: caller.by, address, ...rest });
}

/** One host of IPv6 has as many addresses as it likes. */
function addressOf({ peer }: HttpFacts): string {
  return peer === undefined ? '' : (networkOf(peer.address) ?? peer.address);
}

function headerOf({ headers }: HttpFacts, name: string): string {
  const value = headers[name];
  return typeof value === 'string' ? value : '';
}

function shownClaim({ owner, deviceId, ...rest }: ShownClaim) {
  return { ...rest, ...(owner !== undefined && { owner }), ...(deviceId !== undefined && { deviceId }) };
}

function shownCollected(collected: Collected) {
  if (collected.state === 'pending') return collected;
  const { state, deviceId, credentials } = collected;
  return { state, deviceId, credentials: shownCredentials(credentials) };
}

function shownCredentials({ token, certificate, renewal }: DeviceCredentials) {
  return {
    ...(token !== undefined && { token }),
    ...(certificate !== undefined && { certificate: shownGiven(certificate) }),
    ...(renewal !== undefined && { renewalToken: renewal.token, renewalTokenExpiresAtMs: renewal.expiresAtMs }),
  };
}

export function shownGiven({
  serial,
  notBeforeMs,
  notAfterMs,
  certificate,
  chain,
  authorities,
  key,
}: GivenCertificate) {
  return { serial, notBeforeMs, notAfterMs, certificate, chain, authorities, ...(key !== undefined && { key }) };
}
