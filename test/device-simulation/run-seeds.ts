/** Runs many worlds one after the other, and puts into words what went wrong in one. */
import { type SimulationResult, simulate, simulateAndExplain } from './simulation.ts';

export interface Summary {
  readonly seeds: number;
  readonly failures: readonly SimulationResult[];
  readonly commands: number;
  readonly sent: number;
  readonly crashes: number;
  /** How commands ended. */
  readonly states: Readonly<Record<string, number>>;
}

/** Runs `count` seeds from `first`. Without `failed` it stops at the first that goes wrong. */
export async function runSeeds(
  first: number,
  count: number,
  failed?: (result: SimulationResult) => void,
): Promise<Summary> {
  const failures: SimulationResult[] = [];
  const states: Record<string, number> = {};
  const sums = { commands: 0, sent: 0, crashes: 0 };
  let seeds = 0;
  for (let seed = first; seed < first + count; seed++) {
    const result = await (failed === undefined ? simulateAndExplain({ seed }) : simulate({ seed }));
    seeds += 1;
    for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] += result[name];
    for (const [state, times] of Object.entries(result.states)) states[state] = (states[state] ?? 0) + times;
    if (result.violation === undefined) continue;
    failures.push(result);
    if (failed === undefined) break;
    failed(result);
  }
  return { seeds, failures, states, ...sums };
}

/** What went wrong, how it came to it, and how to see it again. */
export function report({ seed, violation, trace, ...result }: SimulationResult): string {
  if (violation === undefined)
    return `Seed ${seed}: ${result.commands} commands, ${result.sent} of them sent, ${result.crashes} crashes, nothing wrong.`;
  return [
    ...trace,
    '',
    `Seed ${seed}, ${(violation.atMs / 1000).toFixed(3)} s: "${violation.invariant}" does not hold.`,
    violation.text,
    `See it again: npm run simulate:devices -- --seed ${seed}`,
  ].join('\n');
}
