/** Runs many worlds one after the other, and puts into words what went wrong in one. */
import { type SimulationOptions, type SimulationResult, simulate, simulateAndExplain } from './simulation.ts';

export interface Summary {
  readonly seeds: number;
  readonly failures: readonly SimulationResult[];
  readonly publications: number;
  readonly deliveries: number;
  readonly crashes: number;
}

/** Runs `count` seeds from `first`. Without `failed` it stops at the first that goes wrong. `crashesEach`: crashes of each world. */
export async function runSeeds(
  first: number,
  count: number,
  failed?: (result: SimulationResult) => void,
  crashesEach?: number,
): Promise<Summary> {
  const failures: SimulationResult[] = [];
  let publications = 0;
  let deliveries = 0;
  let crashes = 0;
  let seeds = 0;
  for (let seed = first; seed < first + count; seed++) {
    const options: SimulationOptions = { seed, crashes: crashesEach };
    const result = await (failed === undefined ? simulateAndExplain(options) : simulate(options));
    seeds += 1;
    publications += result.publications;
    deliveries += result.deliveries;
    crashes += result.crashes;
    if (result.violation === undefined) continue;
    failures.push(result);
    if (failed === undefined) break;
    failed(result);
  }
  return { seeds, failures, publications, deliveries, crashes };
}

/** What went wrong, how it came to it, and how to see it again. */
export function report(result: SimulationResult): string {
  const { seed, violation, trace, forcedCrashes } = result;
  const crashes = forcedCrashes === undefined ? '' : ` --crashes ${forcedCrashes}`;
  if (violation === undefined)
    return `Seed ${seed}: ${result.publications} publications, ${result.deliveries} deliveries, ${result.crashes} crashes, nothing wrong.`;
  return [
    ...trace,
    '',
    `Seed ${seed}, ${(violation.atMs / 1000).toFixed(3)} s: "${violation.invariant}" does not hold.`,
    violation.text,
    `See it again: npm run simulate -- --seed ${seed}${crashes}`,
  ].join('\n');
}
