import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CREDENTIAL_LIMITS, resolveCredentialLimits } from './credential-limits.ts';

test('a limit that is not given has its default, and one outside of its range is refused with what is expected', () => {
  const { tokensPerDeviceMax, certificatesPerDeviceMax } = resolveCredentialLimits({ tokensPerDeviceMax: 3 });
  assert.deepEqual(
    [tokensPerDeviceMax, certificatesPerDeviceMax],
    [3, CREDENTIAL_LIMITS.certificatesPerDeviceMax.default],
  );
  assert.throws(
    () => resolveCredentialLimits({ certificatesPerDeviceMax: 1 }),
    /Cannot set certificatesPerDeviceMax to 1: a whole number of certificates from 2 to 100 is expected/,
  );
});
