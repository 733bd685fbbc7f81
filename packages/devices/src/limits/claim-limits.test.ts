import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CODE_ALPHABET, CODE_CHARACTERS } from '../claims/claim-code.ts';
import { CLAIM_LIMITS, resolveClaimLimits } from './claim-limits.ts';

test('a limit outside of its range is refused with the range', () => {
  assert.throws(
    () => resolveClaimLimits({ claimCodeS: 59 }),
    /Cannot set claimCodeS to 59: .* from 60 to 86400 is expected/,
  );
  assert.equal(resolveClaimLimits({ claimsMax: 7 }).claimsMax, 7);
});

test('with the defaults all guessers together find a code once in years, though as many claims are open as may be', () => {
  const { claimsMax, wrongCodesMax, wrongCodesPerOwnerMax } = CLAIM_LIMITS;
  const chance = claimsMax.default / CODE_ALPHABET.length ** CODE_CHARACTERS;
  assert.ok(
    wrongCodesPerOwnerMax.default * chance < 1 / (24 * 365 * 2),
    'one owner, one hour: below once in two years',
  );
  assert.ok(wrongCodesMax.default * chance < 1 / 180, 'all owners, one hour: below once in a week');
});
