/** A whole world from one seed, from its first moment to its last; and the oracle that judges it. */
import type { Broker } from '@dunlin/broker';
import type { Outcome, WorldOptions } from '../simulation-harness/seeds.ts';
import { Acts } from './acts.ts';
import { World } from './world.ts';

export interface SimulationOptions extends WorldOptions {
  /** Damages each broker before it starts. */
  readonly damageEach?: (broker: Broker) => void;
  /** The store says yes before it has written anything. */
  readonly hasLyingStore?: boolean;
  /** The store loses something at a crash that it had said yes to. */
  readonly hasForgetfulStore?: boolean;
  /** How often the broker ends without a word, where the seed shall not say it. */
  readonly crashes?: number;
  /** Length of the first act in milliseconds of virtual time. */
  readonly durationMs?: number;
}

export interface SimulationResult extends Outcome {
  readonly deliveries: number;
  readonly publications: number;
  /** How often a broker ended without a word. */
  readonly crashes: number;
  /** The `crashes` of the options. */
  readonly forcedCrashes: number | undefined;
}

/** Runs the world of a seed. Settles when it is over; the first violation ends it early. */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const repair = options.damage?.() ?? (() => {});
  const world = new World(options);
  try {
    await new Acts(world).run();
  } catch (error) {
    world.judge.broken('no-internal-error', `an exception escaped: ${(error as Error).stack}`);
  } finally {
    repair();
  }
  return world.result();
}
