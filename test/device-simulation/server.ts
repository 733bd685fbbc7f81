/** One process of the server after the other: the service under test, on the tables that outlive it. */

import type { Clock } from '../../packages/broker/src/index.ts';
import { isSettled } from '../../packages/devices/src/commands/command-waits.ts';
import { Commands } from '../../packages/devices/src/commands/commands.ts';
import { Connections } from '../../packages/devices/src/presence/connections.ts';
import { Presence } from '../../packages/devices/src/presence/presence.ts';
import type { KnownDevice } from '../../packages/devices/src/registry/known-device.ts';
import { ProcessClock } from '../simulation-harness/process-clock.ts';
import type { SeededRandom } from '../simulation-harness/seeded-random.ts';
import { ServiceBroker } from './service-broker.ts';
import type { World } from './world.ts';

/** A process that waits longer than this for what was due is found out. */
const WAIT_SLACK_MS = 50;

export class ServerProcess {
  readonly broker: ServiceBroker;
  readonly #world: World;
  readonly #clock: ProcessClock;
  readonly #presence: Presence;
  #commands: Commands | undefined;
  #isOver = false;

  constructor(world: World, random: SeededRandom) {
    this.#world = world;
    this.#clock = new ProcessClock(world.time);
    const connections = new Connections();
    this.broker = new ServiceBroker(world, random, connections);
    const parts = this.#parts(connections);
    this.#presence = new Presence(parts);
    void Commands.open({ ...parts, limits: world.character.limits, newId: () => world.newId() }).then((commands) => {
      if (this.#isOver) return;
      this.#commands = commands;
      void this.#presence.correct();
      world.broker = this.broker;
    });
  }

  /** Undefined until it is open. */
  get commands(): Commands | undefined {
    return this.#commands;
  }

  crash(): void {
    this.#isOver = true;
    this.#clock.end();
    this.broker.crash();
  }

  deviceChanged(deviceId: string): void {
    void this.#commands?.deviceChanged(deviceId);
    void this.#presence.deviceChanged(deviceId);
  }

  /** Waits for a command, and sees whether it is told in time. */
  wait(id: string, timeoutMs: number): void {
    const { time, judge, oracle, character } = this.#world;
    if (this.#commands === undefined) return;
    const beganMs = time.elapsedMs;
    let isTold = false;
    void this.#commands.wait(id, timeoutMs).then((command) => {
      isTold = true;
      const isLimit = character.limits.commandWaitsMax === 2;
      const isEarly = command !== undefined && !isSettled(command) && time.elapsedMs < beganMs + timeoutMs;
      judge.check(!isEarly || isLimit || this.#isOver, 'waits', () => `who waits for ${id} is told before it settles`);
      const settledAtMs = Math.max(beganMs, oracle.settledAtMs.get(id) ?? Infinity);
      const isLate = time.elapsedMs > settledAtMs + WAIT_SLACK_MS;
      judge.check(!isLate || this.#isOver, 'waits', () => `who waits for ${id} is told too late`);
    });
    time.after(timeoutMs + WAIT_SLACK_MS, () => {
      judge.check(isTold || this.#isOver, 'waits', () => `who waits for ${id} is told nothing`);
    });
  }

  #parts(connections: Connections) {
    const world = this.#world;
    const clock: Clock = {
      nowMs: () => this.#clock.nowMs() + world.wallClockMs,
      steadyMs: () => this.#clock.steadyMs(),
      every: (delayMs, run) => this.#clock.every(delayMs, run),
      endOfTurn: (run) => this.#clock.endOfTurn(run),
    };
    return {
      ...{ tables: world.disk.open(), clock, types: world.types, broker: this.broker, connections },
      tell: (event: { readonly name: string }) => {
        if (event.name === 'deviceServiceFailed' && !this.#isOver)
          world.judge.broken('no-internal-error', JSON.stringify(event));
      },
      lookup: (deviceId: string): KnownDevice | undefined => world.lookup(deviceId),
    };
  }
}
