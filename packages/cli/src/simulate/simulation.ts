/** A simulation: all devices of a script against one server, until it is told to end. */

import { setTimeout as wait } from 'node:timers/promises';
import { SYSTEM } from '@dunlin/client';
import { ErrorTally } from '../error-tally.ts';
import { usageError } from '../exit-codes.ts';
import { Histogram } from '../histogram.ts';
import { shownCount } from '../quantities.ts';
import { Device, type DeviceWorld, type FleetCounts, newFleetCounts } from './device.ts';
import { RandomSource } from './random-source.ts';
import { Schedule } from './schedule.ts';
import type { Script } from './script.ts';

/** How a script is run. */
export interface SimulationPlan {
  readonly script: Script;
  /** Simulated seconds in a real one. */
  readonly speed: number;
  /** Real time. */
  readonly durationMs: number;
  readonly target: DeviceWorld['target'];
  /** The server is left with the sessions that the script made. */
  readonly keepsSessions: boolean;
}

/** Connections at once, when sessions are ended. */
const ENDING_MAX = 50;
const MESSAGES_PER_SECOND_MAX = 100_000;

/** Messages that a script makes its devices publish in a second, if all are connected; those on connecting are not in it. */
export function messagesPerSecond({ fleets }: Script): number {
  const streams = fleets.flatMap(({ count, publish }) => publish.map(({ every }) => ({ count, every })));
  return streams.reduce((sum, { count, every }) => sum + (every === undefined ? 0 : (1000 * count) / every.ms), 0);
}

/** Refuses what no machine can do. Throws a usage error that says the limit. */
export function checkLoad(script: Script, speed: number): void {
  const messages = messagesPerSecond(script) * speed;
  if (messages > MESSAGES_PER_SECOND_MAX) {
    const found = `${shownCount(messages)} messages a second at speed ${speed}`;
    throw usageError(`Cannot simulate ${found}: at most ${MESSAGES_PER_SECOND_MAX} are expected`);
  }
}

/** The simulation; what it counts may be read at any time. */
export class Simulation {
  readonly fleets: readonly FleetCounts[];
  readonly errors = new ErrorTally();
  readonly acknowledged = new Histogram();
  readonly #plan: SimulationPlan;
  readonly #stop = new AbortController();
  #beganMs: number | undefined;
  #endedMs: number | undefined;

  constructor(plan: SimulationPlan) {
    this.#plan = plan;
    this.fleets = plan.script.fleets.map(({ name, count }) => newFleetCounts(name, count));
  }

  /** Since it began, until it ended or now; real time. */
  get seconds(): number {
    const now = performance.now();
    return Math.round((this.#endedMs ?? now) - (this.#beganMs ?? now)) / 1000;
  }

  /** Ends it in order. */
  stop(): void {
    this.#stop.abort();
  }

  /** Runs until the time is over or `stop`; settles when all devices have left and their sessions are ended. Rejects for files that cannot be read. */
  async run(): Promise<void> {
    const { script, speed, durationMs, target, keepsSessions } = this.#plan;
    this.#beganMs = performance.now();
    const schedule = new Schedule(SYSTEM, speed, script.beginMs);
    const devices = script.fleets.flatMap((fleet, at) => {
      const random = new RandomSource(script.seed).fork(fleet.name);
      const { errors, acknowledged } = this;
      const world = { schedule, speed, target, counts: this.fleets[at], errors, acknowledged };
      return Array.from({ length: fleet.count }, (_, index) => {
        const device = new Device(fleet, index, random.fork(String(index)), world);
        // In real time: a server is not to meet them faster because the simulated time is.
        device.start((index / fleet.connectPerSecond) * 1000 * speed);
        return device;
      });
    });
    await wait(durationMs, undefined, { signal: this.#stop.signal }).catch(() => {});
    schedule.stop();
    this.#endedMs = performance.now();
    await Promise.allSettled(devices.map((device) => device.stop()));
    if (!keepsSessions) await endSessions(devices);
  }
}

/** All of them, a few at once. */
async function endSessions(devices: Iterable<Device>): Promise<void> {
  const rest = devices[Symbol.iterator]();
  const endNext = async (): Promise<void> => {
    for (const device of { [Symbol.iterator]: () => rest }) await device.endSession();
  };
  await Promise.all(Array.from({ length: ENDING_MAX }, endNext));
}
