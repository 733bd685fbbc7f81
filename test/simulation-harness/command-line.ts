/**
 * A simulation by hand: `--seed 123` tells one world, `--from 1 --seeds 500` runs many and tells the first that goes wrong, with
 * `--all` each that does, shortly.
 */
import { parseArgs } from 'node:util';
import type { Outcome, Run } from './seeds.ts';

export interface ByHand<Result extends Outcome, Summary extends Run<Result>> {
  /** `crashes`: how many each world has; undefined where its seed says it. */
  readonly simulate: (options: {
    readonly seed: number;
    readonly isTraced: true;
    readonly traceLines: number;
    readonly crashes: number | undefined;
  }) => Promise<Result>;
  readonly runSeeds: (
    first: number,
    count: number,
    failed: ((result: Result) => void) | undefined,
    crashes: number | undefined,
  ) => Promise<Summary>;
  readonly report: (result: Result) => string;
  /** What many worlds were, behind how many they were: one line, or more. */
  readonly summarize: (summary: Summary) => readonly [string, ...string[]];
  /** It takes `--crashes`. */
  readonly hasCrashes?: boolean;
}

/** Sets the exit code of the process. */
export async function simulateByHand<Result extends Outcome, Summary extends Run<Result>>(
  simulation: ByHand<Result, Summary>,
): Promise<void> {
  const { simulate, runSeeds, report, summarize, hasCrashes = false } = simulation;
  const { values } = parseArgs({
    options: {
      seed: { type: 'string' },
      from: { type: 'string', default: '1' },
      seeds: { type: 'string', default: '100' },
      lines: { type: 'string', default: '60' },
      all: { type: 'boolean', default: false },
      ...(hasCrashes && { crashes: { type: 'string' } }),
    },
  });
  const crashes = 'crashes' in values && values.crashes !== undefined ? Number(values.crashes) : undefined;
  if (values.seed !== undefined) {
    const seed = Number(values.seed);
    const result = await simulate({ seed, isTraced: true, traceLines: Number(values.lines), crashes });
    console.log(report(result));
    process.exitCode = result.violation === undefined ? 0 : 1;
    return;
  }
  const started = performance.now();
  const tellShortly = ({ seed, violation }: Result): void =>
    console.log(`seed ${seed}: ${violation?.invariant}: ${violation?.text.slice(0, 300)}`);
  const summary = await runSeeds(
    Number(values.from),
    Number(values.seeds),
    values.all ? tellShortly : undefined,
    crashes,
  );
  if (!values.all) for (const failure of summary.failures) console.log(report(failure));
  const { seeds, failures } = summary;
  const [first, ...more] = summarize(summary);
  const tookMs = Math.round(performance.now() - started);
  console.log(`${seeds} seeds, ${failures.length} of them wrong, ${first}, ${tookMs} ms`);
  for (const line of more) console.log(line);
  process.exitCode = failures.length === 0 ? 0 : 1;
}
