/** The public names of `@dunlin/client` in Node. */

export { Client } from './client.ts';
export type {
  ClientEvents,
  ClientState,
  ClientStats,
  CloseReason,
  DisconnectOptions,
  FilterRequest,
  PublishOptions,
  SubscribeOptions,
  UnsubscribeOptions,
} from './client-api.ts';
export { connectOver, type Dial } from './connect.ts';
export { ClientError, type ClientErrorCode, type ConnectionError, describeReason } from './errors.ts';
export { memoryOutbox } from './memory-outbox.ts';
export { connect, connectWire } from './node.ts';
export type { OperationOptions } from './operation.ts';
export type { Authentication, ConnectOptions, Payload, WillOptions } from './options.ts';
export {
  type OutboxBatch,
  type OutboxContents,
  OutboxError,
  type OutboxErrorCode,
  type OutboxRecord,
  type OutboxStore,
} from './outbox-store.ts';
export type { PublishResult } from './publishing.ts';
export { ReceivedMessage } from './received-message.ts';
export type { FilterResult, RequestResult } from './requests.ts';
export type { ServerLimits } from './server-limits.ts';
export { type MessageHandler, PendingSubscription, Subscription } from './subscription.ts';
