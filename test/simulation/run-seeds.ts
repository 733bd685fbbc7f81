/** Runs many worlds one after the other, and puts into words what went wrong in one. */
import { type SimulationResult, simulate, simulateAndExplain } from './simulation.ts';

export interface Summary {
  readonly seeds: number;
  readonly failures: readonly SimulationResult[];
  readonly publications: number;
  readonly deliveries: number;
}

/** Runs `count` seeds from `first`. Without `failed` it stops at the first that goes wrong. */
export async function runSeeds(
  first: number,
  count: number,
  failed?: (result: SimulationResult) => void,
): Promise<Summary> {
  const failures: SimulationResult[] = [];
  let publications = 0;
  let deliveries = 0;
  let seeds = 0;
  for (let seed = first; seed < first + count; seed++) {
    const result = await (failed === undefined ? simulateAndExplain({ seed }) : simulate({ seed }));
    seeds += 1;
    publications += result.publications;
    deliveries += result.deliveries;
    if (result.violation === undefined) continue;
    failures.push(result);
    if (failed === undefined) break;
    failed(result);
  }
  return { seeds, failures, publications, deliveries };
}

/** What went wrong, how it came to it, and how to see it again. */
export function report(result: SimulationResult): string {
  const { seed, violation, trace } = result;
  if (violation === undefined)
    return `Seed ${seed}: ${result.publications} publications, ${result.deliveries} deliveries, nothing wrong.`;
  return [
    ...trace,
    '',
    `Seed ${seed}, ${(violation.atMs / 1000).toFixed(3)} s: "${violation.invariant}" does not hold.`,
    violation.text,
    `See it again: npm run simulate -- --seed ${seed}`,
  ].join('\n');
}
