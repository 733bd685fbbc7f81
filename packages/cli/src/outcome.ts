/** What an action leaves to be printed. */

import { visible } from '@dunlin/protocol';
import { ExitCode, localError } from './exit-codes.ts';
import { outputFailed, type Terminal } from './terminal.ts';

export interface Outcome {
  /** What `--json` prints. */
  readonly json: unknown;
  /** Lines for people; what of them could move the cursor is escaped when they are printed. */
  readonly lines: readonly string[];
  /** Paints such a line, of which it is told the place; for a terminal. */
  readonly paint?: (line: string, at: number) => string;
  /** Lines beside the output, which a pipe does not carry. */
  readonly remarks?: readonly string[];
  /** As remarks, also beside JSON: what a program has to know of it. */
  readonly warnings?: readonly string[];
  /** What was printed cannot be had again: what to say, and do, where nobody got it. */
  readonly ifLost?: string;
  readonly exitCode?: number;
}

/**
 * Prints it and settles with the exit code. JSON stays the same value: it is escaped as JSON escapes. Rejects with a local
 * error where what cannot be had again was not taken by the reader.
 */
export async function printOutcome(
  { json, lines, paint = (line) => line, remarks = [], warnings = [], ifLost, exitCode }: Outcome,
  isJson: boolean,
  terminal: Terminal,
): Promise<number> {
  const shown = isJson ? [visible(JSON.stringify(json))] : lines.map((line, at) => paint(visible(line), at));
  terminal.output.write(shown.map((line) => `${line}\n`).join(''));
  if (ifLost !== undefined) await checkTaken(terminal, ifLost);
  const beside = [...(isJson ? [] : remarks), ...warnings];
  terminal.errors.write(beside.map((line) => `${visible(line)}\n`).join(''));
  return exitCode ?? ExitCode.done;
}

/** For what can be had once: also a reader who goes away has lost it. Rejects with a local error that ends in `ifLost`. */
export async function checkTaken(terminal: Terminal, ifLost: string): Promise<void> {
  const failure = await terminal.written();
  if (failure !== undefined) throw localError(`${outputFailed(failure).message}\n${ifLost}`);
}
