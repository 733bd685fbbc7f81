/** `dunlin bench`: loads a server, shows how it goes on a terminal, and tells what was measured. */

import { visible } from '@dunlin/protocol';
import { targetOf } from '../connecting.ts';
import { ExitCode } from '../exit-codes.ts';
import { failureOf } from '../failure.ts';
import { Progress } from '../progress.ts';
import { Output, type Terminal } from '../terminal.ts';
import { readBenchFlags } from './bench-flags.ts';
import { type BenchResult, BenchView, resultOf, resultText } from './bench-report.ts';
import { BenchRun } from './bench-run.ts';
import { numberedFlags } from './ramp.ts';

const REDRAW_MS = 250;

/** Runs the command and returns its exit code. Rejects with what `failureOf` understands. */
export async function bench(argv: readonly string[], terminal: Terminal): Promise<number> {
  const plan = readBenchFlags(argv, terminal.environment);
  const target = targetOf(numberedFlags(plan), terminal);
  const run = new BenchRun(plan, target);
  const ignore = terminal.onInterrupt(() => run.stop());
  const output = new Output(terminal.output);
  output.gone.then(() => run.stop());
  const progress = new Progress(terminal.errors);
  const view = new BenchView(run, plan);
  const redraw = setInterval(() => progress.show(() => view.line()), REDRAW_MS);
  try {
    await run.run();
  } finally {
    clearInterval(redraw);
    progress.clear();
    ignore();
  }
  // Where nobody came in, the failure says more than a table of noughts.
  if (run.connectTimes.count === 0 && run.errors.total > 0) throw run.errors.first;
  const result = resultOf(run, plan, target.url);
  output.write(plan.json ? `${JSON.stringify(result)}\n` : visible(resultText(result), { lines: true }));
  output.flush();
  return hasWorked(result) ? ExitCode.done : failureOf(run.errors.first).exitCode;
}

/** Something did, or nothing failed. */
function hasWorked({ mode, published, received, errors }: BenchResult): boolean {
  if (mode === 'connect' || errors.length === 0) return true;
  return (published?.messages ?? 0) + (received?.messages ?? 0) > 0;
}
