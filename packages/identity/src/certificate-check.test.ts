import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { AuthenticationRequest, AuthenticationResult } from '@dunlin/broker';
import { CLIENTS, type ClientName, makePki } from '../../../test/pki/pki.ts';
import { anonymousMethod } from './anonymous.ts';
import { Authorities } from './authorities.ts';
import { readAuthorityFiles } from './authority-files.ts';
import { withCertificateCheck } from './certificate-check.ts';
import { TestClock } from './testing/clock.ts';
import { testRequest } from './testing/request.ts';

const directory = mkdtempSync(join(tmpdir(), 'dunlin-certificate-check-'));
after(() => rmSync(directory, { recursive: true }));
const pki = makePki(directory);
const clock = new TestClock(Date.now());
const definition = () => readAuthorityFiles({ name: 'ours', certificate: pki.path('ca.pem'), crl: pki.path('ca.crl') });
const registry = new Authorities({ definitions: [definition()], clock });
const method = withCertificateCheck(anonymousMethod({ name: 'anybody' }), { registry, authorities: ['ours'] });

function asked(client: ClientName | undefined): AuthenticationResult | undefined {
  const plain: AuthenticationRequest = testRequest({});
  const certificates = client === undefined ? undefined : [new X509Certificate(pki.text(`${client}.pem`)).raw];
  return method.authenticate({ ...plain, peer: { ...plain.peer, certificates } }) as AuthenticationResult | undefined;
}

test('lets in whom the method lets in, with a good certificate or none, and refuses every other certificate', () => {
  const outcomes = CLIENTS.map((client) => {
    const result = asked(client);
    return [client, result?.kind === 'refuse' ? result.check : result?.kind];
  });
  assert.deepEqual(outcomes, [
    ['good', 'accept'],
    ['revoked', 'certificate-revoked'],
    ['expired', 'certificate-expired'],
    ['not-yet-valid', 'certificate-not-yet-valid'],
    ['foreign', 'certificate-foreign'],
    ['same-name', 'certificate-foreign'],
  ]);
  assert.equal(asked(undefined)?.kind, 'accept');
});

test('lets nobody stay whose certificate was revoked meanwhile', () => {
  const result = asked('good');
  assert.equal(result?.kind, 'accept');
  assert.equal(result.principal.certificate?.authority, 'ours');
  assert.equal(method.review?.(result.principal), undefined);
  pki.revoke(['good']);
  registry.replace([definition()]);
  assert.equal(method.review?.(result.principal)?.check, 'certificate-revoked');
});
