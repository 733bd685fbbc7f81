import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NOBODY } from './memory/anonymous.ts';
import { ownerOf, ownerText } from './will-owner.ts';

const NAMELESS = { username: undefined, identity: undefined };

test('reads back what rules ask of a client, and not when its credential ended', () => {
  const owner = {
    username: 'ada',
    identity: 'passwordFile:ada',
    attributes: { site: 'berlin' },
    groups: ['people'],
    certificate: { authority: 'fleet', serial: '1A', commonName: 'ada' },
    claims: { rules: [{ action: 'deny', to: ['will'], topics: ['#'] }] },
  };
  assert.deepEqual(ownerOf(ownerText({ ...owner, expiresAtMs: 5 }), NAMELESS), { ...owner, expiresAtMs: Infinity });
  assert.deepEqual(ownerOf(ownerText(NOBODY), { username: 'x', identity: 'y' }), NOBODY);
});

test('knows nobody where nothing can be read or written, but who belongs to nobody', () => {
  assert.equal(ownerText({ ...NOBODY, claims: 1n }), undefined);
  assert.equal(ownerOf('{', NAMELESS), undefined);
  assert.equal(ownerOf(undefined, { username: 'ada', identity: undefined }), undefined);
  assert.equal(ownerOf(undefined, { username: undefined, identity: 'x:ada' }), undefined);
  assert.equal(ownerOf(undefined, NAMELESS), NOBODY);
});
