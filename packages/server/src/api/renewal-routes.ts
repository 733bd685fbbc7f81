/** The route by which a device renews what it connects with, by itself. */
import type { DeviceService } from '@dunlin/devices';
import type { Authorities } from '@dunlin/identity';
import { Type } from 'typebox';
import { type ApiRoute, CLOSED, route } from './api-route.ts';
import { CREDENTIALS, CSR, shownCredentials } from './credential-shape.ts';
import { headerOf, networkAddressOf } from './http-facts.ts';
import { ApiProblem } from './problems.ts';

const RENEWAL = Type.Object(
  {
    deviceId: Type.Optional(Type.String({ maxLength: 128, description: 'With a renewal token.' })),
    csr: CSR,
    generateKey: Type.Optional(Type.Literal(true, { description: 'Make the key here; it is in the answer.' })),
  },
  CLOSED,
);

export function renewalRoutes({ desk, issuing }: DeviceService, authorities: Authorities | undefined): ApiRoute[] {
  return [
    route({
      method: 'POST',
      path: '/api/v1/device/renew',
      operationId: 'renewOwnCertificate',
      summary: 'A device renews: with its renewal token as X-Renewal-Token, or with its certificate in TLS',
      tag: 'claims',
      scope: 'public',
      body: RENEWAL,
      answer: Type.Object({ deviceId: Type.String(), credentials: CREDENTIALS }),
      status: 201,
      isSecret: true,
      async handle({ body: { deviceId, csr, generateKey }, http }) {
        if ((csr === undefined) === (generateKey === undefined))
          throw new ApiProblem('input-invalid', 'Cannot renew: either csr or generateKey is expected');
        const address = networkAddressOf(http);
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
