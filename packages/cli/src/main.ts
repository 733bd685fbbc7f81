/** Where the command `dunlin` begins in a checkout: as little as possible stands before the rest is loaded. */

import { keepHangUp } from './hang-up.ts';
import type { Terminal } from './terminal.ts';

if (import.meta.main && process.argv[2] === 'serve') keepHangUp();

/** Runs the tool and returns its exit code; every failure is told and never thrown. */
export async function run(argv: readonly string[], terminal: Terminal): Promise<number> {
  const tool = await import('./tool.ts');
  return tool.run(argv, terminal);
}

if (import.meta.main) {
  const { processTerminal } = await import('./terminal.ts');
  const terminal = processTerminal();
  const exitCode = await run(process.argv.slice(2), terminal);
  await terminal.written();
  // Nothing else may keep the process: an open standard input would.
  process.exit(exitCode);
}
