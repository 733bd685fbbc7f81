import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seal, unseal } from './sealed.ts';

test('what was sealed opens with the same secret and name, and with no other', () => {
  const sealed = seal('the private key', 'secret', 'claim 1');
  assert.equal(unseal(sealed, 'secret', 'claim 1'), 'the private key');
  assert.throws(() => unseal(sealed, 'secret2', 'claim 1'));
  assert.throws(() => unseal(sealed, 'secret', 'claim 2'));
  assert.ok(!Buffer.from(sealed).includes('private'));
});

test('what was changed or cut off does not open', () => {
  const sealed = Buffer.from(seal('text', 'secret', 'name'));
  for (let at = 0; at < sealed.length; at += 1) {
    const changed = Buffer.from(sealed);
    changed[at] ^= 1;
    assert.throws(() => unseal(changed, 'secret', 'name'));
  }
  assert.throws(() => unseal(sealed.subarray(0, 20), 'secret', 'name'));
});

test('the same text is sealed into other bytes each time', () => {
  assert.notDeepEqual(seal('text', 'secret', 'name'), seal('text', 'secret', 'name'));
});
