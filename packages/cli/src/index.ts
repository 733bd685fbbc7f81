/** The public names of `@dunlin/cli`. */

export { processTerminal, type Terminal } from './terminal.ts';
export { run } from './tool.ts';
