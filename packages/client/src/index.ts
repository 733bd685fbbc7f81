/** The public names of `@dunlin/client` in Node. */

export { Client } from './client.ts';
export { SYSTEM } from './environment.ts';
export { MqttError, reasonCodeOfReturnCode } from './errors.ts';
export { connect, createClient } from './node.ts';
export type * from './public-types.ts';
export { describeReason } from './reason-words.ts';
export { ReceivedMessage } from './received-message.ts';
export { Subscription } from './subscription.ts';
