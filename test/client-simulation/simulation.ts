/** Runs the world of a seed, and tells what went wrong in it. */
import { withoutEscapes } from '../simulation-harness/escapes.ts';
import type { Outcome, WorldOptions } from '../simulation-harness/seeds.ts';
import { World } from './world.ts';

export interface SimulationResult extends Outcome {
  readonly publications: number;
  readonly deliveries: number;
  /** Promises that settled. */
  readonly settled: number;
  /** How publishes came out. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** The world ended early, since a device was deceived about its session. */
  readonly isDeceived: boolean;
  /** How often a broker ended without a word. */
  readonly crashes: number;
}

/** Settles when the world is over; the first violation ends it early. Only one world may run at a time. */
export async function simulate(options: WorldOptions): Promise<SimulationResult> {
  const { seed, damage, isTraced = false, traceLines = 60 } = options;
  const repair = damage?.() ?? (() => {});
  const world = new World(seed, isTraced);
  await withoutEscapes(
    () => world.run(),
    (text) => world.judge.broken('no-internal-error', text),
  );
  repair();
  const { judge, time, ledger, crashes, isDeceived } = world;
  return {
    seed,
    violation: judge.violation,
    trace: world.lines(traceLines),
    events: time.handled,
    publications: ledger.messages.size,
    deliveries: ledger.deliveries,
    settled: ledger.settled,
    outcomes: ledger.outcomes,
    isDeceived,
    crashes,
  };
}
