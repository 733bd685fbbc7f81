/** Runs worlds one after the other, each from a seed, and puts into words what went wrong in one. */
import type { Violation } from './judge.ts';

/** How a world is simulated. */
export interface WorldOptions {
  readonly seed: number;
  /** Damages what the world is made of, to see that it is caught; returns what undoes it. */
  readonly damage?: () => () => void;
  /** Keeps what happened, for people. */
  readonly isTraced?: boolean;
  /** Lines of the trace that the result holds at the end; 60 by default. */
  readonly traceLines?: number;
}

/** What every simulation says of a world. */
export interface Outcome {
  readonly seed: number;
  readonly violation: Violation | undefined;
  readonly trace: readonly string[];
  /** Events of the virtual clock. */
  readonly events: number;
}

export interface Seeds<Result extends Outcome> {
  readonly first: number;
  readonly count: number;
  /** A traced world is the same one, with what happened in its result. */
  readonly simulate: (options: { readonly seed: number; readonly isTraced: boolean }) => Promise<Result>;
  /** Told of every world. */
  readonly each: (result: Result) => void;
  /** Told of those that went wrong. Without it the first of them ends the run, and is simulated again with a trace. */
  readonly failed: ((result: Result) => void) | undefined;
}

export interface Run<Result extends Outcome> {
  readonly seeds: number;
  readonly failures: readonly Result[];
}

export async function runAll<Result extends Outcome>(options: Seeds<Result>): Promise<Run<Result>> {
  const { first, count, simulate, each, failed } = options;
  const failures: Result[] = [];
  let seeds = 0;
  for (let seed = first; seed < first + count; seed++) {
    const result = await simulate({ seed, isTraced: false });
    seeds += 1;
    each(result);
    if (result.violation === undefined) continue;
    if (failed === undefined) return { seeds, failures: [await simulate({ seed, isTraced: true })] };
    failures.push(result);
    failed(result);
  }
  return { seeds, failures };
}

/** Adds to the numbers of `sums` those of the same `names`: by default of all that `sums` has. */
export function add<Name extends string>(
  sums: Record<Name, number>,
  more: Readonly<Record<NoInfer<Name>, number>>,
  names: readonly Name[] = Object.keys(sums) as Name[],
): void {
  for (const name of names) sums[name] = (sums[name] ?? 0) + more[name];
}

/** What went wrong, how it came to it, and how to see it again: by `command`. */
export function reportOf({ seed, violation, trace }: Outcome, good: string, command: string): string {
  if (violation === undefined) return `Seed ${seed}: ${good}, nothing wrong.`;
  return [
    ...trace,
    '',
    `Seed ${seed}, ${(violation.atMs / 1000).toFixed(3)} s: "${violation.invariant}" does not hold.`,
    violation.text,
    `See it again: ${command} --seed ${seed}`,
  ].join('\n');
}
