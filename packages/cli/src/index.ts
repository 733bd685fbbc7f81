/** The public names of `@dunlin/cli`. */

export { type ProcessTerminal, processTerminal, type Terminal } from './terminal.ts';
export { run } from './tool.ts';
