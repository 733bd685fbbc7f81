/** Runs many worlds one after the other, and puts into words what went wrong in one. */
import { add, type Run, reportOf, runAll } from '../simulation-harness/seeds.ts';
import { type SimulationResult, simulate } from './simulation.ts';

export interface Summary extends Run<SimulationResult> {
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
  const states: Record<string, number> = {};
  const sums = { commands: 0, sent: 0, crashes: 0 };
  const each = (result: SimulationResult): void => {
    add(sums, result);
    add(states, result.states, Object.keys(result.states));
  };
  return { ...(await runAll({ first, count, simulate, each, failed })), states, ...sums };
}

/** What went wrong, how it came to it, and how to see it again. */
export function report(result: SimulationResult): string {
  const { commands, sent, crashes } = result;
  return reportOf(
    result,
    `${commands} commands, ${sent} of them sent, ${crashes} crashes`,
    'npm run simulate:devices --',
  );
}
