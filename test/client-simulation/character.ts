/** What kind of world a seed makes. */
import type { Limits } from '@dunlin/broker';
import type { SeededRandom } from '../simulation-harness/seeded-random.ts';

export interface Character {
  readonly devices: number;
  /** Mean time between two things that a device does, milliseconds. */
  readonly paceMs: number;
  readonly commitMs: number;
  readonly latencyMs: number;
  /** Of connections whose chunks are cut anywhere. */
  readonly splitShare: number;
  readonly capacityBytes: readonly number[];
  readonly payloadMax: number;
  /** Mean time between two accidents of the network, milliseconds. */
  readonly accidentMs: number;
  /** Of attempts that are refused, hang, or break at some byte. */
  readonly dialTrouble: number;
  readonly crashes: number;
  /** Whether a crash may take the store of the server with it. */
  readonly isForgetting: boolean;
  readonly limits: Partial<Limits>;
}

export function characterOf(random: SeededRandom): Character {
  const latencyMs = random.pick([0, 2, 20, 200]);
  return {
    devices: random.between(2, 4),
    paceMs: random.pick([100, 300, 800]),
    commitMs: random.chance(0.5) ? 0 : random.pick([1, 10]),
    latencyMs,
    splitShare: random.pick([0, 0.2, 1]),
    capacityBytes: random.pick([[200, 2000], [65_536]]),
    // A slow network takes minutes for long messages, and shows nothing by it.
    payloadMax: latencyMs < 20 ? random.pick([20, 20, 3000]) : 20,
    accidentMs: random.pick([1000, 4000, 4000, 100_000]),
    dialTrouble: random.pick([0, 0.2, 0.5]),
    crashes: random.chance(0.5) ? random.between(1, 3) : 0,
    isForgetting: random.chance(0.2),
    limits: random.chance(0.4)
      ? {
          receiveMaximum: random.between(1, 5),
          inflightMessagesMax: random.between(1, 5),
          topicAliasMaximum: random.between(0, 2),
          outboundTopicAliasMax: random.between(0, 2),
        }
      : {},
  };
}
