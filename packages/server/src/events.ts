/** The events of a server beside those of its broker: listeners, accepting, the end. */
import { type BrokerEvent, EVENTS, type EventName } from '@dunlin/broker';
import type { LogLevel } from './configuration.ts';

interface EventFields {
  listening: { listener: string; address: string };
  listenerClosed: { listener: string; address: string };
  /** Connections the broker has, at the limit. */
  acceptingPaused: { connections: number };
  acceptingResumed: { connections: number };
  acceptFailed: { listener: string; error: string };
  /** Code of the error, such as `EADDRINUSE`. */
  startFailed: { code: string; error: string };
  /** `connectionsMax` is above what the file limit allows. */
  connectionsLimited: { connectionsMax: number; fileLimit: number };
  /** Why, such as the damaged key. */
  storeSweepFailed: { error: string };
}

export type ServerEventName = keyof EventFields | EventName;
export type ServerEvent =
  | BrokerEvent
  | { [name in keyof EventFields]: { readonly name: name } & Readonly<EventFields[name]> }[keyof EventFields];

interface EventDescription {
  readonly level: LogLevel;
  readonly description: string;
  /** What to do about it, as the log line says it. */
  readonly remedy?: string;
}

/** Every event of a server, those of its broker included, with its level. */
export const SERVER_EVENTS: { readonly [name in ServerEventName]: EventDescription } = {
  ...EVENTS,
  storeNearlyFull: {
    ...EVENTS.storeNearlyFull,
    remedy: 'make room on the file system of the data directory (docs/guide/storage.md), or lower storeFreeBytesMin',
  },
  listening: { level: 'info', description: 'A listener is open at an address.' },
  listenerClosed: { level: 'debug', description: 'A listener is closed.' },
  acceptingPaused: { level: 'warn', description: 'connectionsMax is reached: new connections wait in the system.' },
  acceptingResumed: { level: 'info', description: 'Connections are accepted again.' },
  acceptFailed: { level: 'error', description: 'A connection could not be accepted.' },
  startFailed: { level: 'error', description: 'The server could not start; nothing is left open.' },
  connectionsLimited: {
    level: 'info',
    description: 'The limit of open files allows fewer connections than connectionsMax.',
  },
  storeSweepFailed: {
    level: 'error',
    description: 'What deleted sessions left is removed no more, and takes space. All else goes on.',
    remedy: 'run "dunlin store check": where the store is damaged, restore a backup',
  },
};
