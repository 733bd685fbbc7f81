/** One MQTT broker, embeddable: `new Broker(...)`, ports and memory adapters. */

export { Broker, type BrokerOptions, type PublishOptions, type StopOptions } from './broker.ts';
export { type BrokerEvent, EVENTS, type EventName } from './events.ts';
export { LIMITS, type Limit, type LimitName, type Limits, resolveLimits } from './limits.ts';
export { AnonymousAuthenticator } from './memory/anonymous.ts';
export { LoopbackBus } from './memory/bus.ts';
export { LocalDirectory } from './memory/directory.ts';
export { MemoryStore } from './memory/store.ts';
export { MemoryTable } from './memory/table.ts';
export { Message, retainedBytes } from './message.ts';
export { COUNTERS, type CounterName, type Metrics } from './metrics.ts';
export type { ListenerPolicy } from './policy.ts';
export type * from './ports.ts';
export type { SessionInfo } from './session-info.ts';
export { DEFAULT_SETTINGS, type Settings } from './settings.ts';
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
