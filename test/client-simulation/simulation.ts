/** Runs the world of a seed, and tells what went wrong in it. */
import { withoutEscapes } from '../simulation-harness/escapes.ts';
import type { Violation } from './invariants.ts';
import { World } from './world.ts';

export interface SimulationOptions {
  readonly seed: number;
  /** Damages what clients are made of, to see that it is caught; returns what undoes it. */
  readonly damage?: () => () => void;
  /** Keeps what happened, for people. */
  readonly isTraced?: boolean;
  /** Lines of the trace that the result holds at the end; 60 by default. */
  readonly traceLines?: number;
}

export interface SimulationResult {
  readonly seed: number;
  readonly violation: Violation | undefined;
  readonly trace: readonly string[];
  /** Events of the virtual clock. */
  readonly events: number;
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
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
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
