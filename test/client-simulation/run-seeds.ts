/** Runs many worlds one after the other, and puts into words what went wrong in one. */
import { type SimulationResult, simulate, simulateAndExplain } from './simulation.ts';

export interface Summary {
  readonly seeds: number;
  readonly failures: readonly SimulationResult[];
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
  const failures: SimulationResult[] = [];
  const outcomes: Record<string, number> = {};
  const sums = { publications: 0, deliveries: 0, settled: 0, crashes: 0 };
  let seeds = 0;
  let deceived = 0;
  for (let seed = first; seed < first + count; seed++) {
    const result = await (failed === undefined ? simulateAndExplain({ seed }) : simulate({ seed }));
    seeds += 1;
    if (result.isDeceived) deceived += 1;
    for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] += result[name];
    for (const [code, times] of Object.entries(result.outcomes)) outcomes[code] = (outcomes[code] ?? 0) + times;
    if (result.violation === undefined) continue;
    failures.push(result);
    if (failed === undefined) break;
    failed(result);
  }
  return { seeds, failures, deceived, outcomes, ...sums };
}

/** What went wrong, how it came to it, and how to see it again. */
export function report({ seed, violation, trace, ...result }: SimulationResult): string {
  if (violation === undefined)
    return `Seed ${seed}: ${result.publications} publications, ${result.deliveries} deliveries, ${result.settled} promises, nothing wrong.`;
  return [
    ...trace,
    '',
    `Seed ${seed}, ${(violation.atMs / 1000).toFixed(3)} s: "${violation.invariant}" does not hold.`,
    violation.text,
    `See it again: npm run simulate:client -- --seed ${seed}`,
  ].join('\n');
}
