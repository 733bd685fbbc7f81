/** Principals for the tests beside it. */
import type { Principal } from '@dunlin/broker';

/** A principal of which only some is said. */
export function principal(said: Partial<Principal> = {}): Principal {
  return {
    username: undefined,
    identity: undefined,
    attributes: {},
    groups: [],
    certificate: undefined,
    expiresAtMs: Infinity,
    claims: undefined,
    ...said,
  };
}
