/** The public names of `@dunlin/client` in Node. */

export * from './names.ts';
export { connect, createClient } from './node.ts';
