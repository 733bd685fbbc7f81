/** What a device is: it stays so from process to process. */
import type { ClientOptions } from '@dunlin/client';
import type { ProtocolVersion } from '@dunlin/protocol';
import type { SeededRandom } from '../simulation-harness/seeded-random.ts';
import type { LifeBounds } from './life-watch.ts';

export interface Traits {
  readonly name: string;
  readonly version: ProtocolVersion;
  readonly bounds: LifeBounds;
  /** Its outbox outlives its processes. */
  readonly isDurable: boolean;
  readonly options: ClientOptions;
}

/** Longer than a world lasts. */
const LONG_S = 100_000;

export function traitsOf(name: string, random: SeededRandom): Traits {
  const version = random.pick([3, 4, 4, 5, 5, 5, 5] as const);
  const isDurable = random.chance(0.4);
  const bounds = {
    minMs: random.pick([100, 1000]),
    maxMs: random.pick([5000, 20_000]),
    heldMs: random.pick([1000, 10_000]),
  };
  const sessionExpiryInterval = isDurable ? LONG_S : random.pick([0, 3, LONG_S, LONG_S]);
  const options: ClientOptions = {
    clientId: name,
    protocolVersion: version,
    keepAlive: random.pick([2, 5, 20]),
    cleanStart: isDurable ? false : random.chance(0.5),
    connectTimeoutMs: random.pick([2000, 10_000]),
    pingTimeoutMs: random.pick([5000, 10_000]),
    connectAttempts: random.pick([1, 3, Number.POSITIVE_INFINITY]),
    reconnect: bounds,
    topicAliases: random.chance(0.8),
    iteratorMessagesMax: random.pick([1, 5, 1000]),
  };
  if (version !== 5) return { name, version, bounds, isDurable, options };
  const receiveMaximum = random.pick([1, 3, 20, undefined]);
  const properties = { sessionExpiryInterval, ...(receiveMaximum !== undefined && { receiveMaximum }) };
  return { name, version, bounds, isDurable, options: { ...options, properties } };
}
