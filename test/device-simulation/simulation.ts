/** Runs the world of a seed, and tells what went wrong in it. */
import { withoutEscapes } from '../simulation-harness/escapes.ts';
import type { Outcome, WorldOptions } from '../simulation-harness/seeds.ts';
import { World } from './world.ts';

export interface SimulationResult extends Outcome {
  readonly commands: number;
  readonly sent: number;
  /** How commands ended. */
  readonly states: Readonly<Record<string, number>>;
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
  const { judge, time, oracle, crashes } = world;
  return {
    ...{ seed, crashes, violation: judge.violation, trace: world.lines(traceLines), events: time.handled },
    ...{ commands: oracle.commands.length, sent: oracle.sent, states: oracle.states },
  };
}
