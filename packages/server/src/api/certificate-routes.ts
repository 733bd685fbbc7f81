/** Routes of the certificates of devices, and of what others need to know of the authority: its chain, its CRL, OCSP. */
import type {
  CertificateService,
  DeviceService,
  IssuedCertificate,
  RegisteredDevice,
  StoredCertificate,
} from '@dunlin/devices';
import { OCSP_BYTES_MAX, REVOCATION_REASONS } from '@dunlin/devices';
import { Type } from 'typebox';
import { type ApiRoute, CLOSED, route } from './api-route.ts';
import { boundedBytes } from './bounded-stream.ts';
import { CSR } from './credential-shape.ts';
import { known } from './device-routes.ts';
import { DEVICE_PARAMS, ISSUED_CERTIFICATE } from './device-schemas.ts';
import { tablePage } from './page-cursor.ts';
import { PAGE_QUERY, pageOf, timeMs } from './page-schemas.ts';
import { ApiProblem } from './problems.ts';

const tag = 'certificates';
const scope = 'certificates:write';
const PATH = '/api/v1/devices/{id}/certificates';
const REASONS = Object.keys(REVOCATION_REASONS) as (keyof typeof REVOCATION_REASONS)[];

const CERTIFICATE = Type.Object({
  serial: Type.String({ description: 'Serial number, in hexadecimal.' }),
  deviceId: Type.String(),
  authority: Type.String(),
  notBeforeMs: timeMs('From when on it counts.'),
  notAfterMs: timeMs('Until when it counts.'),
  issuedAtMs: timeMs('When it was issued.'),
  firstUsedAtMs: Type.Optional(timeMs('When a device first came with it.')),
  revokedAtMs: Type.Optional(timeMs('From when on it counts no longer; may lie ahead.')),
  reason: Type.Optional(Type.String()),
  replacedBy: Type.Optional(Type.String({ description: 'Serial number of the one in its place.' })),
});

const WISHES = {
  csr: CSR,
  generateKey: Type.Optional(
    Type.Literal(true, { description: 'Make the key here; it is in the answer and nowhere else.' }),
  ),
  days: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 7_300, description: 'Default, and the most: devices.authority.days.' }),
  ),
};
const NEW_CERTIFICATE = Type.Object(WISHES, CLOSED);
const RENEWAL = Type.Object(
  { ...WISHES, serial: Type.Optional(Type.String({ maxLength: 64, description: 'Default: the one in use.' })) },
  CLOSED,
);
const SERIAL = Type.Object({ serial: Type.String({ minLength: 1, maxLength: 64 }) });
const REVOCATION = Type.Object({ reason: Type.Optional(Type.Enum(REASONS)) }, CLOSED);

export function certificateRoutes(service: DeviceService): ApiRoute[] {
  return [...routesOfDevice(service), revocationRoute(service), ...publicRoutes(service.issuing)];
}

function routesOfDevice({ registry, issuing, types }: DeviceService): ApiRoute[] {
  return [
    route({
      method: 'GET',
      path: PATH,
      operationId: 'listCertificates',
      summary: 'Certificates that a device has and had',
      tag,
      scope: 'devices:read',
      params: DEVICE_PARAMS,
      query: Type.Object(PAGE_QUERY, CLOSED),
      answer: pageOf(CERTIFICATE),
      async handle({ params: { id }, query }) {
        known(id, await registry.get(id));
        const { certificates } = there(issuing);
        return tablePage(query, (page) => certificates.list(id, page), shownCertificate);
      },
    }),
    route({
      method: 'POST',
      path: PATH,
      operationId: 'issueCertificate',
      summary: 'Issue a certificate to a device: for its request, or with a key made here',
      tag,
      scope,
      params: DEVICE_PARAMS,
      body: NEW_CERTIFICATE,
      answer: ISSUED_CERTIFICATE,
      status: 201,
      isSecret: true,
      async handle({ caller, params: { id }, body }) {
        const device = known(id, await registry.get(id));
        assertTakesCertificates(device, types.get(device.device.type)?.type.credential);
        const found = there(issuing);
        return issued(id, await found.certificates.issue(device, { ...wishesOf(body), by: caller.by }), found);
      },
    }),
    route({
      method: 'POST',
      path: `${PATH}/renew`,
      operationId: 'renewCertificate',
      summary: 'Issue a certificate in place of another, which counts on until the new one has been in use for a while',
      tag,
      scope,
      params: DEVICE_PARAMS,
      body: RENEWAL,
      answer: ISSUED_CERTIFICATE,
      status: 201,
      isSecret: true,
      async handle({ caller, params: { id }, body: { serial, ...body } }) {
        const device = known(id, await registry.get(id));
        assertTakesCertificates(device, types.get(device.device.type)?.type.credential);
        const found = there(issuing);
        const former = await replaced(device, serial, found);
        return issued(id, await found.certificates.renew(device, former, { ...wishesOf(body), by: caller.by }), found);
      },
    }),
  ];
}

function revocationRoute({ issuing }: DeviceService): ApiRoute {
  return route({
    method: 'POST',
    path: '/api/v1/certificates/{serial}/revoke',
    operationId: 'revokeCertificate',
    summary: 'Revoke a certificate, for good; whoever is connected with it goes',
    tag,
    scope,
    params: SERIAL,
    body: REVOCATION,
    answer: CERTIFICATE,
    async handle({ caller, params: { serial }, body }) {
      const revoked = await there(issuing).certificates.revoke(serial, { ...body, by: caller.by });
      return { body: shownCertificate(revoked) };
    },
  });
}

/** What anybody may ask who has met a certificate. */
function publicRoutes(issuing: CertificateService | undefined): ApiRoute[] {
  if (issuing === undefined) return [];
  const { authority, crl, ocsp } = issuing;
  const answered = async (request: Uint8Array) => {
    const { der, keepS } = await ocsp.answer(request);
    return { body: der, contentType: 'application/ocsp-response', keepS };
  };
  return [
    route({
      method: 'GET',
      path: '/api/v1/ca',
      operationId: 'getAuthorities',
      summary: 'The chain of the authority (PEM)',
      tag,
      scope: 'public',
      handle: () => ({ body: authority.pems.join(''), contentType: 'application/x-pem-file' }),
    }),
    route({
      method: 'GET',
      path: '/crl/{file}',
      operationId: 'getRevocationList',
      summary: 'The revocation list of an authority (DER), `NAME.crl`',
      tag,
      scope: 'public',
      params: Type.Object({ file: Type.String({ maxLength: 128 }) }),
      async handle({ params: { file } }) {
        if (file !== `${authority.name}.crl`)
          throw new ApiProblem('route-unknown', `Cannot find this list: /crl/${authority.name}.crl is expected`);
        const { der, keepS } = await crl.current();
        return { body: der, contentType: 'application/pkix-crl', keepS };
      },
    }),
    route({
      method: 'POST',
      path: '/ocsp',
      operationId: 'postOcspRequest',
      summary: 'Whether a certificate counts (RFC 6960)',
      tag,
      scope: 'public',
      body: Type.Unsafe<AsyncIterable<Uint8Array>>(Type.Unknown()),
      bodyKind: { contentTypes: ['application/ocsp-request'], bytesMax: OCSP_BYTES_MAX },
      // Caches keep no answer to a POST.
      handle: async ({ body }) => ({ ...(await answered(await boundedBytes(body, OCSP_BYTES_MAX))), keepS: 0 }),
    }),
    route({
      method: 'GET',
      path: '/ocsp/{request}',
      operationId: 'getOcspResponse',
      takesRest: true,
      summary: 'The same, with the request in the path: Base64, its slashes percent-encoded or not (RFC 6960, A.1)',
      tag,
      scope: 'public',
      params: Type.Object({ request: Type.String({ maxLength: 1_400 }) }),
      handle: ({ params: { request } }) => answered(Buffer.from(request, 'base64')),
    }),
  ];
}

/** Before the authority is asked for: one would not help. @throws ApiProblem credential-kind */
function assertTakesCertificates({ device: { id, type } }: RegisteredDevice, credential: string | undefined): void {
  if (credential !== 'token') return;
  throw new ApiProblem(
    'credential-kind',
    `Cannot give ${JSON.stringify(id)} a certificate: devices of the type ${JSON.stringify(type)} come in with tokens only; ` +
      'a token is expected',
  );
}

/** @throws ApiProblem authority-missing */
function there(issuing: CertificateService | undefined): CertificateService {
  if (issuing !== undefined) return issuing;
  throw new ApiProblem('authority-missing', 'Cannot do this without an authority: devices.authority is expected');
}

/** @throws ApiProblem input-invalid */
function wishesOf({ csr, generateKey, days }: { csr?: string; generateKey?: true; days?: number }) {
  if ((csr === undefined) === (generateKey === undefined))
    throw new ApiProblem('input-invalid', 'Cannot issue a certificate: either csr or generateKey is expected');
  return { ...(csr !== undefined && { csr }), ...(days !== undefined && { days }) };
}

/** Serial number of the certificate of the device that is to be replaced. @throws ApiProblem certificate-unknown */
async function replaced(
  registered: RegisteredDevice,
  serial: string | undefined,
  { certificates }: CertificateService,
): Promise<string> {
  const found = await (serial === undefined ? certificates.toRenew(registered) : certificates.get(serial));
  const { id } = registered.device;
  if (found?.value.deviceId === id) return found.key;
  throw new ApiProblem(
    'certificate-unknown',
    `Cannot renew a certificate of ${JSON.stringify(id)}: one that was issued to it and is not revoked is expected`,
  );
}

function issued(
  id: string,
  { serial, notBeforeMs, notAfterMs, ...pems }: IssuedCertificate,
  found: CertificateService,
) {
  const { certificate, chain, key } = pems;
  const seen = { serial, notBeforeMs, notAfterMs };
  return {
    body: {
      ...seen,
      certificate,
      chain,
      authorities: found.authority.serverAuthorities,
      ...(key !== undefined && { key }),
    },
    location: `/api/v1/devices/${encodeURIComponent(id)}/certificates`,
  };
}

function shownCertificate({ key, value }: StoredCertificate) {
  const { deviceId, authority, notBeforeMs, notAfterMs, issuedAtMs, firstUsedAtMs, revokedAtMs, reason, replacedBy } =
    value;
  return {
    serial: key,
    deviceId,
    authority,
    notBeforeMs,
    notAfterMs,
    issuedAtMs,
    ...(firstUsedAtMs !== undefined && { firstUsedAtMs }),
    ...(revokedAtMs !== undefined && { revokedAtMs }),
    ...(reason !== undefined && { reason }),
    ...(replacedBy !== undefined && { replacedBy }),
  };
}
