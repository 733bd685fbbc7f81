import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeviceError } from '../device-error.ts';
import { deviceTrust } from './device-trust.ts';

const { check } = deviceTrust({
  get: async (id: string) =>
    id === 'gone' ? undefined : ({ device: { id, type: id }, generation: 'g1', trust: 1 } as never),
  credentialOf: (type) => (type === 'token' || type === 'certificate' || type === 'either' ? type : undefined),
  withdrawTrust: async () => undefined,
});
const device = (id: string, more = {}) => ({ device: { id }, generation: 'g1', trust: 1, ...more }) as never;

test('a device gets a certificate where its type takes one, or is not known', async () => {
  for (const id of ['certificate', 'either', 'other']) await check(device(id));
});

test('a device whose type takes tokens only gets none, and one that was changed since is not there', async () => {
  await assert.rejects(check(device('token')), (error) => {
    assert.ok(error instanceof DeviceError);
    assert.equal(error.code, 'credential-kind');
    assert.match(
      error.message,
      /^Cannot give "token" a certificate: .* come in with tokens only; a token is expected$/,
    );
    return true;
  });
  for (const one of [device('gone'), device('either', { generation: 'g0' }), device('token', { trust: 0 })])
    await assert.rejects(check(one), { code: 'unknown-device' });
});
