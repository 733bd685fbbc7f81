import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { missing } from '../../../../tools/prerequisites.ts';
import { Certificates } from './certificates.ts';
import { newAuthority } from './new-authority.ts';
import { OcspResponder } from './ocsp-responder.ts';
import {
  device,
  fleet,
  masterKey,
  NOW_MS,
  ocspRequest,
  openAuthority,
  serviceParts,
  workshop,
} from './testing/fleet.ts';

const { path, openssl } = workshop();
const by = 'a test';

async function open(texts = fleet.issuing, nowMs = NOW_MS) {
  const { clock, parts } = serviceParts(nowMs);
  const authority = openAuthority(texts);
  const certificates = new Certificates(parts, authority, { renewalOverlapS: 600 });
  const responder = new OcspResponder(authority, certificates, clock);
  return { certificates, answer: async (der: Uint8Array) => responder.answer(der) };
}

const MALFORMED = Buffer.from([0x30, 3, 0x0a, 1, 1]);
const UNAUTHORIZED = Buffer.from([0x30, 3, 0x0a, 1, 6]);

test('a request that is malformed at any byte is answered as such, and keeps the responder alive', async () => {
  const { answer, certificates } = await open();
  const { serial } = await certificates.issue(device('cam-1'), { by });
  const der = ocspRequest({ serials: [serial], nonce: Buffer.alloc(16) });
  for (let length = 0; length < der.length; length += 1)
    assert.deepEqual(await answer(der.subarray(0, length)), { der: MALFORMED, keepS: 0 });
  assert.deepEqual((await answer(Buffer.alloc(1_048_576))).der, MALFORMED);
  for (let at = 0; at < der.length; at += 1)
    for (const flip of [0x01, 0x80, 0xff]) {
      const damaged = Uint8Array.from(der);
      damaged[at] ^= flip;
      // An error, or a whole answer: always one that can be read.
      assert.equal((await answer(damaged)).der[0], 0x30);
    }
  assert.ok((await answer(der)).der.length > 200);
});

test('of the certificates of another issuer it says nothing', async () => {
  const { answer, certificates } = await open();
  const { serial } = await certificates.issue(device('cam-1'), { by });
  for (const issuer of [
    fleet.root.certificate,
    newAuthority({ name: 'Fleet', nowMs: NOW_MS, masterKey }).issuing.certificate,
  ])
    assert.deepEqual(await answer(ocspRequest({ serials: [serial], issuer })), { der: UNAUTHORIZED, keepS: 0 });
  const unknownHash = ocspRequest({ serials: [serial], hash: ['1.2.840.113549.2.5', 'md5'] });
  assert.deepEqual((await answer(unknownHash)).der, UNAUTHORIZED);
});

test('an answer without a nonce may be kept, one with a nonce not', async () => {
  const { answer, certificates } = await open();
  const { serial } = await certificates.issue(device('cam-1'), { by });
  assert.equal((await answer(ocspRequest({ serials: [serial] }))).keepS, 3_600);
  const newer = await certificates.renew(device('cam-1'), serial, { by });
  await certificates.used(newer.serial);
  // That of the older one ends with the overlap, and an answer about both as well.
  assert.equal((await answer(ocspRequest({ serials: [newer.serial, serial] }))).keepS, 600);
  const nonce = Buffer.alloc(24, 9);
  const { der, keepS } = await answer(ocspRequest({ serials: [serial], nonce }));
  assert.equal(keepS, 0);
  assert.ok(der.includes(nonce));
});

test('OpenSSL understands and believes every answer', { skip: missing('openssl-command') }, async () => {
  const nowMs = Date.now();
  const recent = newAuthority({ name: 'Recent', nowMs, masterKey });
  const { answer, certificates } = await open(recent.issuing, nowMs);
  writeFileSync(path('ca.pem'), recent.issuing.certificate);
  writeFileSync(path('root.pem'), recent.root.certificate);
  const ask = async (serial: string, ...more: string[]) => {
    const asked = ['-issuer', 'ca.pem', ...more, '-serial', `0x${serial}`];
    const request = openssl('ocsp', ...asked, '-reqout', 'q.der');
    assert.equal(request.status, 0, request.stderr);
    writeFileSync(path('a.der'), (await answer(readFileSync(path('q.der')))).der);
    // It would add another nonce to the request that it reads; that of the request counts all the same.
    const { stdout, stderr } = openssl(
      'ocsp',
      ...asked,
      '-no_nonce',
      '-reqin',
      'q.der',
      '-respin',
      'a.der',
      '-CAfile',
      'root.pem',
    );
    return `${stdout}${stderr}`;
  };
  const older = await certificates.issue(device('cam-1'), { by });
  const newer = await certificates.renew(device('cam-1'), older.serial, { by });
  for (const more of [[], ['-sha256'], ['-no_nonce']]) {
    const text = await ask(older.serial, ...more);
    assert.match(text, /Response verify OK/);
    assert.match(text, new RegExp(`0x${older.serial}: good`));
  }
  // The end of the overlap lies ahead, and the answer ends with it.
  await certificates.used(newer.serial);
  assert.match(await ask(older.serial), /: good/);
  const [, begin, end] = /This Update: (.*)\n\s+Next Update: (.*)\n/.exec(await ask(older.serial))!;
  assert.equal(Date.parse(end) - Date.parse(begin), 600_000);
  await certificates.revoke(newer.serial, { reason: 'keyCompromise', by });
  const revoked = await ask(newer.serial);
  assert.match(revoked, /: revoked\n[\s\S]*Reason: keyCompromise/);
  await certificates.revoke(older.serial, { by });
  assert.doesNotMatch(await ask(older.serial), /Reason: (?!\(UNKNOWN\))/);
  assert.match(await ask('ABCDEF'), /: unknown/);
});
