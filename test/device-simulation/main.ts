/**
 * Runs the simulation of devices by hand: `npm run simulate:devices -- --seed 123` tells one world, `npm run
 * simulate:devices -- --from 1 --seeds 500` runs many and tells the first that goes wrong.
 */
import { parseArgs } from 'node:util';
import { report, runSeeds } from './run-seeds.ts';
import { simulate } from './simulation.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    from: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '100' },
    lines: { type: 'string', default: '60' },
    all: { type: 'boolean', default: false },
  },
});

if (values.seed !== undefined) {
  const result = await simulate({ seed: Number(values.seed), isTraced: true, traceLines: Number(values.lines) });
  console.log(report(result));
  process.exitCode = result.violation === undefined ? 0 : 1;
} else {
  const started = performance.now();
  const tellShortly = ({ seed, violation }: Parameters<typeof report>[0]): void =>
    console.log(`seed ${seed}: ${violation?.invariant}: ${violation?.text.slice(0, 300)}`);
  const summary = await runSeeds(Number(values.from), Number(values.seeds), values.all ? tellShortly : undefined);
  if (!values.all) for (const failure of summary.failures) console.log(report(failure));
  const { seeds, failures, commands, sent, crashes, states } = summary;
  const ends = Object.entries(states).map(([state, times]) => `${state} ${times}`);
  console.log(
    `${seeds} seeds, ${failures.length} of them wrong, ${commands} commands, sent ${sent} times, ${crashes} crashes, ${Math.round(performance.now() - started)} ms`,
  );
  console.log(`commands: ${ends.join(', ')}`);
  process.exitCode = failures.length === 0 ? 0 : 1;
}
