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
  /** Keys of the configuration, and how many clients were sent away because they may no longer be there. */
  reloaded: { changed: string; needsRestart: string; disconnected: number };
  /** Nothing was changed. */
  reloadFailed: { error: string };
  /** `connectionsMax` is above what the file limit allows. */
  connectionsLimited: { connectionsMax: number; fileLimit: number };
}

export type ServerEventName = keyof EventFields | EventName;
export type ServerEvent =
  | BrokerEvent
  | { [name in keyof EventFields]: { readonly name: name } & Readonly<EventFields[name]> }[keyof EventFields];

interface EventDescription {
  readonly level: LogLevel;
  readonly description: string;
}

/** Every event of a server, those of its broker included, with its level. */
export const SERVER_EVENTS: { readonly [name in ServerEventName]: EventDescription } = {
  ...EVENTS,
  listening: { level: 'info', description: 'A listener is open at an address.' },
  listenerClosed: { level: 'debug', description: 'A listener is closed.' },
  acceptingPaused: { level: 'warn', description: 'connectionsMax is reached: new connections wait in the system.' },
  acceptingResumed: { level: 'info', description: 'Connections are accepted again.' },
  acceptFailed: { level: 'error', description: 'A connection could not be accepted.' },
  startFailed: { level: 'error', description: 'The server could not start; nothing is left open.' },
  reloaded: { level: 'info', description: 'The configuration and the files it names were read again.' },
  reloadFailed: { level: 'error', description: 'They could not be read again; nothing was changed.' },
  connectionsLimited: {
    level: 'info',
    description: 'The limit of open files allows fewer connections than connectionsMax.',
  },
};
