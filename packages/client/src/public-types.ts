/** The types of `@dunlin/client`, for Node and browsers alike: none of them wants `@types/node`. */

export type {
  ClientEvents,
  ClientState,
  ClientStats,
  CloseReason,
  DisconnectOptions,
  FilterRequest,
  PublishOptions,
  ReconnectingInfo,
  SubscribeOptions,
  UnsubscribeOptions,
} from './client-api.ts';
export type { PublishResult } from './connection.ts';
export type { CertificateSeen, ClientWire, Dial, DialRequest } from './dial.ts';
export type { Environment } from './environment.ts';
export type { MqttErrorCode } from './error-table.ts';
export type { OperationOptions } from './operation.ts';
export type {
  Authentication,
  ClientOptions,
  ConnectOptions,
  LogLine,
  MessageHandler,
  OutboxOptions,
  Payload,
  Provided,
  ReconnectOptions,
  WillOptions,
} from './options.ts';
export type { OutboxBatch, OutboxContents, OutboxRecord, OutboxStore } from './outbox-store.ts';
export type { RequestOptions } from './requester.ts';
export type { FilterResult, RequestResult } from './requests.ts';
export type { RequestHandler, RespondOptions } from './responder.ts';
export type { ServerLimits } from './server-limits.ts';
export type { PendingSubscription } from './subscription.ts';
export type { TlsOptions } from './tls-options.ts';
export type { TemplateParams } from './topic-template.ts';
