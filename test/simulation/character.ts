/** What kind of world a seed makes. */
import type { Limits } from '@dunlin/broker';
import type { SeededRandom } from '../simulation-harness/seeded-random.ts';

export interface Character {
  readonly commitMs: number;
  readonly authenticationMs: number;
  readonly clients: number;
  readonly latencyMs: number;
  readonly splitShare: number;
  readonly capacityBytes: readonly number[];
  readonly paceMs: number;
  readonly payloadMax: number;
  readonly limits: Partial<Limits>;
  readonly dropsOldest: boolean;
  readonly isTight: boolean;
  readonly floods: boolean;
  /** Whether sessions end sooner than clients ask for; then there is no 3.1, whose clients are not told. */
  readonly isExpiryCapped: boolean;
  /** The first act ends with the broker stopping. */
  readonly stopsEarly: boolean;
  /** How often the broker ends without a word in the first act. */
  readonly crashes: number;
}

const CRASHES_MAX = 4;

export function characterOf(random: SeededRandom): Character {
  const isTight = random.chance(0.3);
  const limits: Partial<Limits> = isTight
    ? {
        receiveMaximum: random.between(5, 20),
        inflightMessagesMax: random.between(1, 8),
        queueMessagesMax: random.between(5, 30),
        outboxBytesMax: 4096,
        outboxBytesHardMax: 65_536,
        heldBytesMax: 65_536,
        topicCacheBytesMax: 65_536,
        outboundTopicAliasMax: 2,
        topicAliasMaximum: 3,
      }
    : {};
  const isExpiryCapped = random.chance(0.1);
  // More messages than a queue keeps in memory, in a world that is otherwise quick.
  const floods = !isTight && random.chance(0.04);
  return {
    commitMs: random.chance(0.4) ? 0 : random.pick([1, 5, 30]),
    authenticationMs: random.chance(0.2) ? random.pick([1, 50]) : 0,
    clients: floods ? 3 : random.between(3, 9),
    latencyMs: random.pick(floods ? [0, 2] : [0, 2, 20]),
    splitShare: floods ? 0 : random.pick([0, 0.2, 1]),
    capacityBytes: floods ? [65_536] : random.pick([[200, 2000], [1000, 20_000], [65_536]]),
    paceMs: random.pick([100, 200, 400]),
    payloadMax: random.pick([200, 2000, 40_000]),
    limits: isExpiryCapped ? { ...limits, sessionExpiryMaxS: random.between(2, 5) } : limits,
    dropsOldest: isTight && random.chance(0.5),
    isTight,
    floods,
    isExpiryCapped,
    stopsEarly: random.chance(0.05),
    crashes: random.chance(0.4) ? random.between(1, CRASHES_MAX) : 0,
  };
}
