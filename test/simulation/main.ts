/**
 * Runs the simulation by hand: `npm run simulate -- --seed 123` tells one world, `npm run simulate -- --from 1 --seeds
 * 1000` runs many and tells the first that goes wrong.
 */
import { parseArgs } from 'node:util';
import { report, runSeeds } from './run-seeds.ts';
import { simulate } from './simulation.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    from: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '100' },
    crashes: { type: 'string' },
    lines: { type: 'string', default: '60' },
    all: { type: 'boolean', default: false },
  },
});

const crashes = values.crashes === undefined ? undefined : Number(values.crashes);
if (values.seed !== undefined) {
  const traceLines = Number(values.lines);
  const result = await simulate({ seed: Number(values.seed), isTraced: true, traceLines, crashes });
  console.log(report(result));
  process.exitCode = result.violation === undefined ? 0 : 1;
} else {
  const started = performance.now();
  const summary = await runSeeds(
    Number(values.from),
    Number(values.seeds),
    values.all
      ? (result) =>
          console.log(`seed ${result.seed}: ${result.violation?.invariant}: ${result.violation?.text.slice(0, 300)}`)
      : undefined,
    crashes,
  );
  for (const failure of summary.failures.slice(0, 1)) console.log(report(failure));
  console.log(
    `${summary.seeds} seeds, ${summary.failures.length} of them wrong, ${summary.publications} publications, ${summary.deliveries} deliveries, ${summary.crashes} crashes, ${Math.round(performance.now() - started)} ms`,
  );
  process.exitCode = summary.failures.length === 0 ? 0 : 1;
}
