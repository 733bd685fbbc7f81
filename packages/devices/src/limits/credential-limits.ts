/** The limits of credentials, with their units and defaults: one table for the code, the configuration and its reference. */
import { resolveLimits } from './service-limits.ts';

export interface CredentialLimit {
  readonly default: number;
  readonly minimum: number;
  readonly maximum: number;
  readonly unit: 'tokens' | 'certificates' | 'devices';
  readonly description: string;
}

export const CREDENTIAL_LIMITS = {
  tokensPerDeviceMax: {
    default: 8,
    minimum: 1,
    maximum: 64,
    unit: 'tokens',
    description:
      'Tokens of one device that count; a further one is refused, and where it takes the place of others the one that ends first goes.',
  },
  certificatesPerDeviceMax: {
    default: 4,
    minimum: 2,
    maximum: 100,
    unit: 'certificates',
    description: 'Certificates of one device that count; a further one is refused until one of them is revoked.',
  },
  registrationsPerMinuteMax: {
    default: 600,
    minimum: 1,
    maximum: 1_000_000,
    unit: 'devices',
    description: 'Devices of one foreign authority that are registered as they come within a minute.',
  },
  removedIdsMax: {
    default: 100_000,
    minimum: 1,
    maximum: 10_000_000,
    unit: 'devices',
    description:
      'Ids of removed devices that are remembered, where devices are registered as they come: nobody gets one of them so. Those that were removed first are forgotten.',
  },
} as const satisfies Record<string, CredentialLimit>;

export type CredentialLimitName = keyof typeof CREDENTIAL_LIMITS;
export type CredentialLimits = { readonly [name in CredentialLimitName]: number };

/**
 * All limits, the default where none is given.
 * @throws RangeError for one that is outside of its range
 */
export function resolveCredentialLimits(given: Partial<CredentialLimits>): CredentialLimits {
  return resolveLimits(CREDENTIAL_LIMITS, given);
}
