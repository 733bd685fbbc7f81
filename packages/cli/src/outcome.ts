/** What an action leaves to be printed. */

import { visible } from '@dunlin/protocol';
import { ExitCode } from './exit-codes.ts';
import type { Terminal } from './terminal.ts';

export interface Outcome {
  /** What `--json` prints. */
  readonly json: unknown;
  /** Lines for people; what of them could move the cursor is escaped when they are printed. */
  readonly lines: readonly string[];
  /** Lines beside the output, which a pipe does not carry. */
  readonly remarks?: readonly string[];
  readonly exitCode?: number;
}

/** Prints it and returns the exit code. JSON stays the same value: it is escaped as JSON escapes. */
export function printOutcome(
  { json, lines, remarks = [], exitCode }: Outcome,
  isJson: boolean,
  terminal: Terminal,
): number {
  const shown = isJson ? [JSON.stringify(json)] : lines;
  terminal.output.write(shown.map((line) => `${visible(line)}\n`).join(''));
  if (!isJson) terminal.errors.write(remarks.map((line) => `${visible(line)}\n`).join(''));
  return exitCode ?? ExitCode.done;
}
