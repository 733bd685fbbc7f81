/** The limits of claims and renewals, with their units and defaults: one table for the code, the configuration and its reference. */
import { resolveLimits } from './service-limits.ts';

export interface ClaimLimit {
  readonly default: number;
  readonly minimum: number;
  readonly maximum: number;
  readonly unit: 'seconds' | 'claims' | 'codes' | 'days' | 'renewals';
  readonly description: string;
}

/** Of wrong codes. */
export const GUESS_WINDOW_MS = 3_600_000;

export const CLAIM_LIMITS = {
  claimCodeS: {
    default: 900,
    minimum: 60,
    maximum: 86_400,
    unit: 'seconds',
    description:
      'Time for the owner to enter the code of a device, and then for the device to collect what it gets by it.',
  },
  claimCollectAgainS: {
    default: 600,
    minimum: 0,
    maximum: 86_400,
    unit: 'seconds',
    description: 'Time for which a device may collect the same once more, because the answer was lost on the way.',
  },
  claimsMax: {
    default: 1_000,
    minimum: 1,
    maximum: 100_000,
    unit: 'claims',
    description: 'Claims that have not ended; further ones are refused. The more there are, the likelier a guess.',
  },
  claimsPerAddressMax: {
    default: 50,
    minimum: 1,
    maximum: 100_000,
    unit: 'claims',
    description: 'The same of one address, or of one /64 of IPv6.',
  },
  claimsPerMinuteMax: {
    default: 30,
    minimum: 1,
    maximum: 100_000,
    unit: 'claims',
    description: 'Claims that one address begins within a minute; further ones are refused.',
  },
  wrongCodesPerOwnerMax: {
    default: 10,
    minimum: 1,
    maximum: 10_000,
    unit: 'codes',
    description: 'Wrong codes that one owner enters within an hour; then none is taken of this owner until it is over.',
  },
  wrongCodesPerAddressMax: {
    default: 20,
    minimum: 1,
    maximum: 10_000,
    unit: 'codes',
    description: 'The same of one address, whoever is signed in there.',
  },
  wrongCodesMax: {
    default: 1_000,
    minimum: 1,
    maximum: 100_000,
    unit: 'codes',
    description: 'The same of all owners together.',
  },
  renewalTokenDays: {
    default: 90,
    minimum: 1,
    maximum: 90,
    unit: 'days',
    description:
      'How long after the end of its certificate a device may still renew with its renewal token. No longer than ended certificates are remembered: a revoked one must not be forgotten before.',
  },
  renewalsPerDayMax: {
    default: 20,
    minimum: 1,
    maximum: 10_000,
    unit: 'renewals',
    description: 'Renewals that one device asks for within a day.',
  },
} as const satisfies Record<string, ClaimLimit>;

export type ClaimLimitName = keyof typeof CLAIM_LIMITS;
export type ClaimLimits = { readonly [name in ClaimLimitName]: number };

/**
 * All limits, the default where none is given.
 * @throws RangeError for one that is outside of its range
 */
export function resolveClaimLimits(given: Partial<ClaimLimits>): ClaimLimits {
  return resolveLimits(CLAIM_LIMITS, given);
}
