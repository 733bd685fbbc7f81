/** Runs the simulation of devices by hand: `npm run simulate:devices -- --seed 123`. */
import { simulateByHand } from '../simulation-harness/command-line.ts';
import { report, runSeeds } from './run-seeds.ts';
import { simulate } from './simulation.ts';

await simulateByHand({
  simulate,
  runSeeds,
  report,
  summarize: ({ commands, sent, crashes, states }) => [
    `${commands} commands, sent ${sent} times, ${crashes} crashes`,
    `commands: ${Object.entries(states)
      .map(([state, times]) => `${state} ${times}`)
      .join(', ')}`,
  ],
});
