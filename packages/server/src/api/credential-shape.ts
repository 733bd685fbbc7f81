/** What a device connects with, as the API answers it: in the one answer that gives it. */
import type { DeviceCredentials, GivenCertificate } from '@dunlin/devices';
import { Type } from 'typebox';
import { ISSUED_CERTIFICATE } from './device-schemas.ts';
import { timeMs } from './page-schemas.ts';

export const CSR = Type.Optional(
  Type.String({ maxLength: 24_000, description: 'PKCS#10 (PEM) for a key of the device.' }),
);

export const CREDENTIALS = Type.Object({
  token: Type.Optional(Type.String({ description: 'The password of the device.' })),
  certificate: Type.Optional(ISSUED_CERTIFICATE),
  renewalToken: Type.Optional(
    Type.String({ description: 'For /api/v1/device/renew; each renewal gives another one.' }),
  ),
  renewalTokenExpiresAtMs: Type.Optional(timeMs('Until when it counts.')),
});

export function shownCredentials({ token, certificate, renewal }: DeviceCredentials) {
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
