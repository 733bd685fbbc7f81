/** Runs many worlds one after the other, and puts into words what went wrong in one. */
import { add, type Run, reportOf, runAll } from '../simulation-harness/seeds.ts';
import { type SimulationResult, simulate } from './simulation.ts';

export interface Summary extends Run<SimulationResult> {
  readonly publications: number;
  readonly deliveries: number;
  readonly crashes: number;
}

/** Runs `count` seeds from `first`. Without `failed` it stops at the first that goes wrong. `crashes`: of each world. */
export async function runSeeds(
  first: number,
  count: number,
  failed?: (result: SimulationResult) => void,
  crashes?: number,
): Promise<Summary> {
  const sums = { publications: 0, deliveries: 0, crashes: 0 };
  const run = await runAll<SimulationResult>({
    ...{ first, count, failed },
    simulate: (options) => simulate({ ...options, crashes }),
    each: (result) => add(sums, result),
  });
  return { ...run, ...sums };
}

/** What went wrong, how it came to it, and how to see it again. */
export function report(result: SimulationResult): string {
  const { publications, deliveries, crashes, forcedCrashes } = result;
  return reportOf(
    result,
    `${publications} publications, ${deliveries} deliveries, ${crashes} crashes`,
    `npm run simulate --${forcedCrashes === undefined ? '' : ` --crashes ${forcedCrashes}`}`,
  );
}
