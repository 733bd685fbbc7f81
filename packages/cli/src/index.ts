/** The public names of `@dunlin/cli`. */

export { run } from './main.ts';
export { processTerminal, type Terminal } from './terminal.ts';
