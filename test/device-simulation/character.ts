/** What kind of world a seed makes. */
import type { CommandLimits } from '../../packages/devices/src/limits/command-limits.ts';
import type { SeededRandom } from '../simulation-harness/seeded-random.ts';

export interface Character {
  readonly devices: number;
  /** Mean time between two things that callers do, milliseconds. */
  readonly callerMs: number;
  /** Mean time for which a device stays connected, or away, milliseconds. */
  readonly stayMs: number;
  readonly latencyMs: number;
  readonly commitMs: number;
  /** Of reads that answer later. */
  readonly slowReads: number;
  /** Of messages and acknowledgements that vanish. */
  readonly loss: number;
  /** Of deliveries for which the server has no room. */
  readonly refusals: number;
  readonly crashes: number;
  /** How often somebody sets the wall clock. */
  readonly clockJumps: number;
  /** Of devices that keep their subscription. */
  readonly persistent: number;
  /** Of devices that subscribe at QoS 0. */
  readonly qos0: number;
  readonly limits: Partial<CommandLimits>;
}

export function characterOf(random: SeededRandom): Character {
  return {
    devices: random.between(1, 4),
    callerMs: random.pick([20, 100, 400]),
    stayMs: random.pick([300, 2_000, 8_000]),
    latencyMs: random.pick([0, 2, 50, 400]),
    commitMs: random.pick([0, 1, 10, 150]),
    slowReads: random.pick([0, 0, 0.3]),
    loss: random.pick([0, 0.1, 0.4]),
    refusals: random.pick([0, 0, 0.2]),
    crashes: random.pick([0, 1, 2, 6]),
    clockJumps: random.pick([0, 0, 0, 3]),
    persistent: random.pick([0, 0.5, 1]),
    qos0: random.pick([0, 0.5, 1]),
    limits: {
      commandsPerDeviceMax: random.pick([3, 20, 500]),
      commandsInFlightMax: random.pick([1, 2, 10]),
      commandHistoryS: 10_000_000,
      commandWaitsMax: random.pick([2, 1_000]),
    },
  };
}
