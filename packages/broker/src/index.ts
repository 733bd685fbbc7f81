/** One MQTT broker, embeddable: `new Broker(...)`, ports and memory adapters. */

export { Broker } from './broker.ts';
export type { BrokerOptions, DisconnectOptions, PublishOptions, StopOptions } from './broker-options.ts';
export { type AnsweredCheck, CHECKS, type Check, type CheckName, type RefusalCounts } from './checks.ts';
export { type BrokerEvent, EVENTS, type EventName } from './events.ts';
export type { InternalMessage, TakeInternally } from './internal-subscribers.ts';
export { LIMITS, type Limit, type LimitName, type Limits, resolveLimits } from './limits.ts';
export { AnonymousAuthenticator, NOBODY } from './memory/anonymous.ts';
export { LoopbackBus } from './memory/bus.ts';
export { LocalDirectory } from './memory/directory.ts';
export { PERMIT_ALL } from './memory/permit-all.ts';
export { MemoryStore } from './memory/store.ts';
export { MemoryTable } from './memory/table.ts';
export { Message, retainedBytes } from './message.ts';
export { COUNTERS, type CounterName, type Metrics } from './metrics.ts';
export { assertPlainObject, copyPlain, isPlainScalar, notPlain, PLAIN_DEPTH_MAX } from './plain-data.ts';
export type { ListenerPolicy } from './policy.ts';
export type * from './ports.ts';
export { type DeliveryOutcome, Receipt } from './receipt.ts';
export type { ConnectionsReview, EndedClient, PermissionsReview } from './reviews.ts';
export type { SessionInfo } from './session-info.ts';
export { DEFAULT_SETTINGS, type Settings } from './settings.ts';
export { shownUsername, withoutSecrets } from './shown-username.ts';
export { StoreContradiction } from './store-contradiction.ts';
export {
  RevisionConflict,
  type Table,
  type TableChange,
  type TableDefinition,
  type TablePage,
  type TableRecord,
  type TableScan,
} from './table.ts';
export { storedTopic, type Topic } from './topics.ts';
