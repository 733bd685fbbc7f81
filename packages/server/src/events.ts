/** The events of a server beside those of its broker: listeners, accepting, the end. */
import { type BrokerEvent, EVENTS, type EventName } from '@dunlin/broker';
import { DEVICE_EVENTS, type DeviceEvent, type DeviceEventName } from '@dunlin/devices/configuration';
import { type AttemptEvent, METHOD_EVENTS, type MethodEvent, type MethodEventName } from '@dunlin/identity';
import type { LogLevel } from './configuration.ts';

interface EventFields {
  listening: { listener: string; address: string };
  listenerClosed: { listener: string; address: string };
  /** Connections the broker has, at the limit. */
  acceptingPaused: { connections: number };
  acceptingResumed: { connections: number };
  acceptFailed: { listener: string; error: string };
  /** The limit of open files now. */
  filesExhausted: { fileLimit: number };
  /** Connections that were closed meanwhile. */
  filesAvailable: { refused: number };
  /** Once for each listener. */
  headerIgnored: { listener: string; error: string };
  /** Code of the error, such as `EADDRINUSE`. */
  startFailed: { code: string; error: string };
  /**
   * Keys of the configuration; how many users and rules changed, and clients were sent away as they may not stay. `clients`:
   * the first 20 of them, each with the check that it failed.
   */
  reloaded: {
    changed: string;
    needsRestart: string;
    users: number;
    rules: number;
    disconnected: number;
    clients: string;
  };
  /** Nothing was changed. */
  reloadFailed: { error: string };
  /** A client came too often, and is kept out. */
  clientFlapping: { clientId: string; identity: string | undefined; listener: string; banMs: number };
  /** A user signed in as the owner of devices; `check` says why not. */
  ownerSignedIn: { username: string; address: string; listener: string };
  ownerRefused: { username: string; address: string; listener: string; check: string };
  /** A fault of the server while it answered the API. */
  apiFailed: { requestId: string; error: string };
  /** `by` as in the audit log, empty where nobody proved to be anybody; `code` of the problem. */
  apiRefused: { requestId: string; by: string; address: string; code: string };
  /** `by`: whom it met, as in the audit log; empty where that is nobody. */
  apiLimitReached: { limit: string; by: string; detail: string };
  /** `code` as in `CertificateWarning` of `@dunlin/identity`. */
  certificateWarning: { code: string; source: string; message: string };
  /** Begins with the path of the key. */
  configurationWarning: { warning: string };
  /** Paths of those that belong together, of which one changed. */
  filesReread: { files: string };
  filesUnusable: { error: string };
  /** Once for each client, action and shape of topic. */
  shadowDiffers: {
    clientId: string;
    username: string | undefined;
    action: string;
    topic: string;
    candidate: string;
    decidedBy: string;
  };
  /** Once for each rule and variable. */
  ruleSkipped: { place: string; variable: string; clientId: string };
  /** `connectionsMax` is above what the file limit allows. */
  connectionsLimited: { connectionsMax: number; fileLimit: number };
  /** Names of the methods by which owners connect. */
  ownersWithoutRules: { methods: string };
  /** Why, such as the damaged key. */
  storeSweepFailed: { error: string };
}

export type ServerEventName = keyof EventFields | EventName | MethodEventName | AttemptEvent['name'] | DeviceEventName;
export type ServerEvent =
  | BrokerEvent
  | MethodEvent
  | AttemptEvent
  | DeviceEvent
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
  ...METHOD_EVENTS,
  ...DEVICE_EVENTS,
  apiRefused: {
    level: 'info',
    description:
      'The HTTP API refused somebody: no key or session that counts, no scope, another page, origin or host, too many requests, or too large ones.',
  },
  apiLimitReached: {
    level: 'warn',
    description: 'A limit of the HTTP API acted; of one by which old entries make room it is told once an hour.',
  },
  ownerSignedIn: { level: 'info', description: 'A user signed in on the page for owners of devices.' },
  ownerRefused: { level: 'warn', description: 'Somebody tried to sign in on the page for owners of devices.' },
  ownersWithoutRules: {
    level: 'warn',
    description:
      'Users who own devices may connect by MQTT, and publish and subscribe to everything: there is no rule.',
    remedy: 'Write rules under authorization, which then allow what they say and nothing else.',
  },
  apiFailed: { level: 'error', description: 'The server failed to answer a request of the HTTP API.' },
  addressBanned: { level: 'warn', description: 'An address failed too often; nobody from there is let in for now.' },
  userAtAddressBanned: {
    level: 'warn',
    description: 'A user name failed too often at an address; both together are kept out.',
  },
  banAdded: { level: 'info', description: 'Somebody was banned by hand.' },
  banLifted: { level: 'info', description: 'A ban was lifted.' },
  clientFlapping: { level: 'warn', description: 'A client connected too often; it is kept out for now.' },
  certificateWarning: {
    level: 'warn',
    description: 'A certificate or revocation list has ended, or will soon; told again while that is so.',
  },
  configurationWarning: {
    level: 'warn',
    description:
      'The configuration is in force, and keeps somebody out who is meant to come in; told again at each reload.',
  },
  filesReread: {
    level: 'info',
    description: 'Files with certificates, keys or revocation lists changed and were read again.',
  },
  filesUnusable: {
    level: 'error',
    description:
      'One of these files changed and cannot be used, or has been missing or empty for seconds; what was read of it before counts.',
  },
  shadowDiffers: { level: 'info', description: 'The rules that are tried out would have decided otherwise.' },
  ruleSkipped: {
    level: 'warn',
    description: 'A rule does not hold for a client: what the client is called cannot stand in a filter.',
  },
  storeNearlyFull: {
    ...EVENTS.storeNearlyFull,
    remedy: 'make room on the file system of the data directory (docs/guide/storage.md), or lower storeFreeBytesMin',
  },
  listening: { level: 'info', description: 'A listener is open at an address.' },
  listenerClosed: { level: 'debug', description: 'A listener is closed.' },
  acceptingPaused: { level: 'warn', description: 'connectionsMax is reached: new connections wait in the system.' },
  acceptingResumed: { level: 'info', description: 'Connections are accepted again.' },
  acceptFailed: { level: 'error', description: 'A connection could not be accepted.' },
  filesExhausted: {
    level: 'error',
    description:
      'Connections take the last open files of the process: they are closed as they come, until some are free.',
    remedy: 'raise the limit of open files (LimitNOFILE of a service, ulimit -n), or lower connectionsMax',
  },
  filesAvailable: { level: 'info', description: 'There are open files for connections again.' },
  headerIgnored: {
    level: 'warn',
    description:
      'Somebody who is no trusted proxy sent a header of one (`X-Forwarded-For`, `Client-Cert`); it counts for nothing.',
  },
  startFailed: { level: 'error', description: 'The server could not start; nothing is left open.' },
  reloaded: {
    level: 'info',
    description:
      'The configuration and the files it names were read again; the first 20 clients that had to go are named.',
  },
  reloadFailed: {
    level: 'error',
    description: 'The configuration or a file it names cannot be used; nothing was changed.',
  },
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
