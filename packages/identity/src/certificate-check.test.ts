import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type AuthenticationRequest, type AuthenticationResult, NOBODY, type Principal } from '@dunlin/broker';
import { CLIENTS, type ClientName, makePki } from '../../../test/pki/pki.ts';
import { anonymousMethod } from './anonymous.ts';
import { Authorities } from './authorities.ts';
import { readAuthorityFiles } from './authority-files.ts';
import { guardCertificates, withCertificateCheck } from './certificate-check.ts';
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

test('an Authenticator of one’s own is asked about good certificates alone, and again by its own principals', async () => {
  const own: Principal = { ...NOBODY, username: 'ada' };
  const seen: unknown[] = [];
  const guarded = guardCertificates(
    {
      supports: (name) => name === 'known',
      authenticate: async ({ current }) => {
        seen.push(current);
        return { kind: 'accept', principal: own };
      },
      review: (principal) => {
        seen.push(principal);
        return undefined;
      },
    },
    { registry },
  );
  const shows = (client: ClientName | undefined, current?: Principal) => {
    const plain = testRequest({});
    const certificates = client === undefined ? undefined : [new X509Certificate(pki.text(`${client}.pem`)).raw];
    return guarded.authenticate({ ...plain, current, peer: { ...plain.peer, certificates } });
  };
  assert.deepEqual([guarded.supports('known'), guarded.supports('other')], [true, false]);
  const refused = await shows('expired');
  assert.equal(refused.kind === 'refuse' && refused.check, 'certificate-expired');
  assert.deepEqual(seen, []);
  const good = await shows('good');
  assert.ok(good.kind === 'accept');
  assert.equal(good.principal.certificate?.authority, 'ours');
  assert.equal(guarded.review?.(good.principal, 'c1'), undefined);
  await shows('good', good.principal);
  assert.deepEqual(await shows(undefined), { kind: 'accept', principal: own });
  assert.equal(guarded.review?.(own, 'c1'), undefined);
  assert.ok(seen.length === 5 && seen.every((one) => one === undefined || one === own));
});

test('lets nobody stay whose certificate was revoked meanwhile', () => {
  const result = asked('good');
  assert.equal(result?.kind, 'accept');
  assert.equal(result.principal.certificate?.authority, 'ours');
  assert.equal(method.review?.(result.principal), undefined);
  pki.revoke(['good']);
  registry.replace([definition()]);
  assert.equal(method.review?.(result.principal)?.check, 'certificate-revoked');
  const guarded = guardCertificates({ supports: () => false, authenticate: () => result }, { registry });
  assert.equal(guarded.review?.(result.principal, 'c1'), undefined, 'it is not one of those it let in');
});
