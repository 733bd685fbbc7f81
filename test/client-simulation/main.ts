/** Runs the simulation of the client by hand: `npm run simulate:client -- --seed 123`. */
import { simulateByHand } from '../simulation-harness/command-line.ts';
import { report, runSeeds } from './run-seeds.ts';
import { simulate } from './simulation.ts';

await simulateByHand({
  simulate,
  runSeeds,
  report,
  summarize: ({ publications, deliveries, settled, crashes, deceived, outcomes }) => [
    `${publications} publications, ${deliveries} deliveries, ${settled} promises settled, ${crashes} crashes of servers, ${deceived} ended early`,
    `publishes: ${Object.entries(outcomes)
      .map(([code, times]) => `${code} ${times}`)
      .join(', ')}`,
  ],
});
