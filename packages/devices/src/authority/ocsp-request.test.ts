import assert from 'node:assert/strict';
import { test } from 'node:test';
import { context } from '@dunlin/identity/der';
import { element, integer, octetString, sequence } from '@dunlin/identity/der-writer';
import { OCSP_BYTES_MAX, readOcspRequest } from './ocsp-request.ts';
import { ocspRequest } from './testing/fleet.ts';
import { extension } from './x509-writer.ts';

const malformed = { name: 'DerError' };
const NONCE = '1.3.6.1.5.5.7.48.1.2';

test('reads what is asked about, in which form for which issuer, and the nonce as it came', () => {
  const { questions, nonce } = readOcspRequest(ocspRequest({ serials: ['0ABC', 'FF'], nonce: Buffer.alloc(32, 7) }));
  assert.deepEqual(
    questions.map(({ serial, hash }) => [serial, hash]),
    [
      ['0ABC', '1.3.14.3.2.26'],
      ['FF', '1.3.14.3.2.26'],
    ],
  );
  assert.deepEqual(nonce, octetString(Buffer.alloc(32, 7)));
  assert.equal(readOcspRequest(ocspRequest({ serials: ['1'] })).nonce, undefined);
});

test('takes the optional fields of the standard', () => {
  // The list of what is asked about, without the two headers around it.
  const inner = ocspRequest({ serials: ['1'] }).subarray(4);
  const named = sequence(
    sequence(element(context(0), integer(0)), element(context(1), octetString(Buffer.from('me'))), inner),
  );
  assert.equal(readOcspRequest(named).questions.length, 1);
  assert.equal(readOcspRequest(sequence(sequence(inner), element(context(0), sequence()))).questions.length, 1);
  assert.throws(() => readOcspRequest(sequence(sequence(element(context(0), integer(1)), inner))), malformed);
});

test('refuses what is cut short at any byte, damaged so that it is something else, or has more behind it', () => {
  const der = ocspRequest({ serials: ['ABCDEF'], nonce: Buffer.alloc(16) });
  for (let length = 0; length < der.length; length += 1)
    assert.throws(() => readOcspRequest(der.subarray(0, length)), malformed, `${length}`);
  assert.throws(() => readOcspRequest(Buffer.concat([der, der])), malformed);
  assert.throws(() => readOcspRequest(sequence(sequence(sequence()))), {
    message: /no certificate that is asked about/,
  });
});

test('refuses what is too large, before it looks at it', () => {
  for (const bytes of [OCSP_BYTES_MAX + 1, 10_000_000])
    assert.throws(() => readOcspRequest(Buffer.alloc(bytes, 0x30)), { message: /at most 4096 are expected/ });
  const many = Array.from({ length: 17 }, (_, index) => `${index + 10}`);
  assert.throws(() => readOcspRequest(ocspRequest({ serials: many })), { message: /more than 16 certificates/ });
  assert.throws(() => readOcspRequest(ocspRequest({ serials: ['F'.repeat(50)] })), { message: /more than 20 octets/ });
});

test('refuses a nonce of no octet or of more than 128, and what is critical and unknown', () => {
  for (const octets of [0, 129])
    assert.throws(() => readOcspRequest(ocspRequest({ serials: ['1'], nonce: Buffer.alloc(octets) })), {
      message: new RegExp(`a nonce of ${octets} octets; 1 to 128`),
    });
  const bare = [extension(NONCE, Buffer.from('not DER'))];
  assert.throws(() => readOcspRequest(ocspRequest({ serials: ['1'], extensions: bare })), malformed);
  const ask = (critical: boolean) =>
    ocspRequest({ serials: ['1'], extensions: [extension('1.2.3', octetString(Buffer.alloc(1)), critical)] });
  assert.throws(() => readOcspRequest(ask(true)), { message: /critical extension 1\.2\.3/ });
  assert.equal(readOcspRequest(ask(false)).questions.length, 1);
});
