/** How long to wait before the next attempt: full jitter, so that clients which lost one server do not return at once. */

import type { Environment } from './environment.ts';
import type { ReconnectOptions } from './options.ts';

/** Milliseconds until the next attempt when so many have failed since a connection held: at random below a bound that doubles. */
export function backOffMs(
  { minMs = 1000, maxMs = 300_000 }: ReconnectOptions,
  failures: number,
  environment: Pick<Environment, 'random'>,
): number {
  return environment.random() * Math.min(maxMs, minMs * 2 ** (failures - 1));
}
