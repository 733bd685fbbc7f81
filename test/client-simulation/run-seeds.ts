/** Runs many worlds one after the other, and puts into words what went wrong in one. */
import { add, type Run, reportOf, runAll } from '../simulation-harness/seeds.ts';
import { type SimulationResult, simulate } from './simulation.ts';

export interface Summary extends Run<SimulationResult> {
  readonly publications: number;
  readonly deliveries: number;
  readonly settled: number;
  readonly crashes: number;
  /** Worlds that ended early, since a device was deceived about its session. */
  readonly deceived: number;
  /** How publishes came out. */
  readonly outcomes: Readonly<Record<string, number>>;
}

/** Runs `count` seeds from `first`. Without `failed` it stops at the first that goes wrong. */
export async function runSeeds(
  first: number,
  count: number,
  failed?: (result: SimulationResult) => void,
): Promise<Summary> {
  const outcomes: Record<string, number> = {};
  const sums = { publications: 0, deliveries: 0, settled: 0, crashes: 0 };
  let deceived = 0;
  const each = (result: SimulationResult): void => {
    add(sums, result);
    add(outcomes, result.outcomes, Object.keys(result.outcomes));
    if (result.isDeceived) deceived += 1;
  };
  return { ...(await runAll({ first, count, simulate, each, failed })), deceived, outcomes, ...sums };
}

/** What went wrong, how it came to it, and how to see it again. */
export function report(result: SimulationResult): string {
  const { publications, deliveries, settled } = result;
  return reportOf(
    result,
    `${publications} publications, ${deliveries} deliveries, ${settled} promises`,
    'npm run simulate:client --',
  );
}
