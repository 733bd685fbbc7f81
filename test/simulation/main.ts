/** Runs the simulation by hand: `npm run simulate -- --seed 123`, with `--crashes 8` for worlds of so many crashes. */
import { simulateByHand } from '../simulation-harness/command-line.ts';
import { report, runSeeds } from './run-seeds.ts';
import { simulate } from './simulation.ts';

await simulateByHand({
  simulate,
  runSeeds,
  report,
  summarize: ({ publications, deliveries, crashes }) => [
    `${publications} publications, ${deliveries} deliveries, ${crashes} crashes`,
  ],
  hasCrashes: true,
});
