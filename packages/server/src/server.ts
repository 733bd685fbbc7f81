/** A running server: a broker and the listeners that bring it its connections. */
import { readFileSync } from 'node:fs';
import {
  type Authenticator,
  type Authorizer,
  Broker,
  type Clock,
  LIMITS,
  type Random,
  type Store,
} from '@dunlin/broker';
import type { LmdbEnvironment } from '@dunlin/lmdb';
import { AcceptGate } from './accept-gate.ts';
import { addressesOf } from './address.ts';
import {
  type Configuration,
  ConfigurationError,
  type ConfigurationInput,
  completeConfiguration,
} from './configuration.ts';
import { type ConfigurationChanges, configurationChanges, reloadedConfiguration } from './configuration-changes.ts';
import { checkInput } from './configuration-input.ts';
import { hint, quoted } from './configuration-reading.ts';
import { controlCommands } from './control-commands.ts';
import { ControlSocket } from './control-socket.ts';
import { doorEvents } from './door-events.ts';
import { Doors } from './doors.ts';
import type { ServerEvent } from './events.ts';
import { backlogFor, connectionsAllowed, openFileLimit } from './file-limit.ts';
import { checkReach, type HttpRequestHandler } from './listening.ts';
import { type BoundListener, type OpenListener, openListener } from './open-listener.ts';
import { openStorage } from './storage.ts';
import { systemClock } from './system-clock.ts';
import { systemRandom } from './system-random.ts';
import { tlsPaths } from './tls-files.ts';
import { watchFiles } from './watch.ts';

/** What an embedding program or a test puts in place of the parts that a server has by itself. */
export interface ServerParts {
  /**
   * Asks every client who it is; listeners beyond loopback need no `allowAnonymous` then. Default: what `authentication`
   * says. Must not be given beside that.
   */
  readonly authenticator?: Authenticator;
  /** Default: what `authorization` says. */
  readonly authorizer?: Authorizer;
  /** Default: what `data` and `durability` say. Must not be given beside `data`. */
  readonly store?: Store;
  readonly clock?: Clock;
  readonly random?: Random;
  /** Answers requests at `ws` and `wss` listeners that are for no WebSocket. Default: 404. */
  readonly httpRequest?: HttpRequestHandler;
  /** Told of everything, from the opening of the listeners on. Must not throw. */
  readonly onEvent?: (event: ServerEvent) => void;
  /** Limit of open files of the process; undefined: as the system says. */
  readonly fileLimit?: number;
}

/** What a reload did. */
export interface ReloadReport extends Pick<ConfigurationChanges, 'needsRestart'> {
  /** Keys whose other values count now. */
  readonly changed: readonly string[];
  /** Clients that were sent away. */
  readonly disconnected: number;
}

export interface RunningServer {
  /** What is in force now. */
  readonly configuration: Configuration;
  readonly broker: Broker;
  /** In the order of the configuration. */
  readonly listeners: readonly BoundListener[];
  /** Connections at once, as far as limit and open files allow. */
  readonly connectionsMax: number;
  /** Limit of open files of the process, where it was asked and has one. */
  readonly fileLimit: number | undefined;
  /**
   * Takes over what may be changed of another configuration, and reads every file that it names again. Who may no longer
   * be there is sent away; what the others may do is decided anew. Settles when all of that is done; one reload follows
   * the other.
   * @throws ConfigurationError where configuration or files are wrong; nothing has changed then
   */
  reload(next: ConfigurationInput): Promise<ReloadReport>;
  /**
   * Closes the listeners, sends every client away (5.0: DISCONNECT 0x8B, or 0x9C with a Server Reference) with its
   * undelayed will, and stops the broker. Settles when the ports are free and the store is closed; what was sent to
   * clients may still be leaving. Further calls return the same promise.
   * Rejects when all of that is done, where the store has failed before or could not be closed in order.
   */
  stop(): Promise<void>;
}

/** The version of this package, as `$SYS/broker/version` tells it. */
export const SERVER_VERSION: string = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
).version;

/**
 * Starts a server. Settles when clients can connect.
 * @throws ConfigurationError for an unknown key, a wrong value, a part that does not exist, and for contradictions
 * @throws ServerStartError where a listener cannot be opened, or must not; nothing is left open then
 * @throws StoreError of `@dunlin/lmdb` where the data directory cannot be opened, ControlError where its control socket
 *   cannot
 */
export async function startServer(input: ConfigurationInput = {}, parts: ServerParts = {}): Promise<RunningServer> {
  const configuration = completeConfiguration(checkInput(input));
  checkPartNames(parts);
  const tell = parts.onEvent ?? ((): void => {});
  try {
    return await start(configuration, parts, tell);
  } catch (error) {
    const { code = 'unknown', message } = error as NodeJS.ErrnoException;
    tell({ name: 'startFailed', code, error: message });
    throw error;
  }
}

const PART_NAMES: { readonly [name in keyof ServerParts]-?: true } = {
  authenticator: true,
  authorizer: true,
  store: true,
  clock: true,
  random: true,
  httpRequest: true,
  onEvent: true,
  fileLimit: true,
};

/** A mistyped authorizer would be a server that permits everything. */
function checkPartNames(parts: ServerParts): void {
  const names = Object.keys(PART_NAMES);
  const problems = Object.keys(parts)
    .filter((name) => !names.includes(name))
    .map(
      (name) => `${quoted(name)} is no part of a server: ${hint(name, names, `expected one of ${names.join(', ')}`)}`,
    );
  if (problems.length > 0) throw new ConfigurationError(problems);
}

type Tell = (event: ServerEvent) => void;

async function start(configuration: Configuration, parts: ServerParts, tell: Tell): Promise<RunningServer> {
  const isAsked = parts.authenticator !== undefined || configuration.authentication.length > 0;
  if (!isAsked) for (const listener of configuration.listeners) checkReach(listener);
  if (parts.authenticator !== undefined && configuration.authentication.length > 0)
    throw new ConfigurationError(['authentication is given beside an authenticator: one of both is expected']);
  if (parts.store !== undefined && configuration.durability !== 'memory')
    throw new ConfigurationError([
      `data is ${quoted(configuration.data ?? '')} beside a store: one of both is expected`,
    ]);
  const storage = await openStorage(configuration);
  try {
    return await startWith(configuration, storage, parts, tell);
  } catch (error) {
    await storage?.close();
    throw error;
  }
}

/** The storage is closed when the server has stopped; where it cannot start, by the caller. */
async function startWith(
  configuration: Configuration,
  storage: LmdbEnvironment | undefined,
  parts: ServerParts,
  tell: Tell,
): Promise<RunningServer> {
  const fileLimit = parts.fileLimit ?? openFileLimit();
  const connectionsMax = allowedConnections(configuration, fileLimit, tell);
  const clock = parts.clock ?? systemClock;
  const doors = new Doors(configuration, { clock, tell: doorEvents(tell) });
  const authorizer = parts.authorizer ?? doors.authorizer;
  const store = storage?.store ?? parts.store;
  const broker = makeBroker(configuration, { ...parts, clock, authorizer, store }, connectionsMax);
  const forget = broker.onEvent(tell);
  const gate = new AcceptGate({
    clock,
    connectionsMax,
    connections: () => broker.connections.size,
    paused: (connections) => tell({ name: 'acceptingPaused', connections }),
    resumed: (connections) => tell({ name: 'acceptingResumed', connections }),
  });
  await broker.start();
  const opened: OpenListener[] = [];
  const tlsFiles = () => ({
    authorities: doors.authorities,
    authorityNames: inForce.authorities.map(({ name }) => name),
    nowMs: clock.nowMs(),
    warn: doorEvents(tell).certificate,
  });
  const { authenticator, httpRequest } = parts;
  const backlog = backlogFor(fileLimit);
  const opening = { broker, doors, authenticator, httpRequest, gate, clock, tell, tlsFiles, backlog };
  let inForce = configuration;
  let control: ControlSocket | undefined;
  try {
    control = await openControl(storage);
    for (const listener of configuration.listeners) opened.push(await openListener(listener, opening));
  } catch (error) {
    // A server that never was does not tell that it drains.
    forget();
    await closeAll(opened, gate);
    await control?.close();
    await doors.close();
    await broker.stop();
    throw error;
  }
  let watched = watch();
  const reviewLater = doors.authorities.onChange(() => void broker.reviewConnections());
  let stopped: Promise<void> | undefined;
  let reloading: Promise<unknown> = Promise.resolve();
  return {
    get configuration() {
      return inForce;
    },
    broker,
    listeners: opened.map(({ bound }) => bound),
    connectionsMax,
    fileLimit,
    reload(next) {
      const report = reloading.then(() => reload(next));
      reloading = report.catch(() => {});
      return report;
    },
    stop() {
      stopped ??= stopAll().finally(forget);
      return stopped;
    },
  };

  function watch(): { close(): void } {
    const paths = [...doors.watchedPaths, ...opened.flatMap(({ bound }) => tlsPaths(bound.configuration.tls))];
    return watchFiles({ paths, clock }, rereadFiles, tell);
  }

  /** Throws where one cannot be used; what was read before counts then. */
  function rereadFiles(): void {
    doors.reloadAuthorities();
    for (const listener of opened) listener.reloadTls();
  }

  async function reload(input: ConfigurationInput): Promise<ReloadReport> {
    try {
      const next = completeConfiguration(checkInput(input));
      const { reloaded: changed, needsRestart } = configurationChanges(inForce, next);
      const nextInForce = reloadedConfiguration(inForce, next);
      doors.reload(nextInForce);
      inForce = nextInForce;
      for (const listener of opened) listener.reloadTls();
      watched.close();
      watched = watch();
      const { ended: disconnected } = await broker.reviewConnections();
      await broker.reviewPermissions();
      tell({ name: 'reloaded', changed: changed.join(' '), needsRestart: needsRestart.join(' '), disconnected });
      return { changed, needsRestart, disconnected };
    } catch (error) {
      tell({ name: 'reloadFailed', error: (error as Error).message });
      throw error;
    }
  }

  async function stopAll(): Promise<void> {
    // Commands under way are answered: a backup when it is whole, a check when the storage closes.
    const controlClosed = control?.close();
    watched.close();
    reviewLater();
    await reloading;
    await closeAll(opened, gate);
    await doors.close();
    try {
      await broker.stop();
    } finally {
      await storage?.close();
      await controlClosed;
    }
  }
}

/** Without a data directory there is nothing that the command line could find it by. */
async function openControl(storage: LmdbEnvironment | undefined): Promise<ControlSocket | undefined> {
  if (storage === undefined) return undefined;
  const server = { pid: process.pid, version: SERVER_VERSION };
  return await ControlSocket.open({ directory: storage.directory, commands: controlCommands({ storage, server }) });
}

async function closeAll(opened: readonly OpenListener[], gate: AcceptGate): Promise<void> {
  gate.close();
  await Promise.all(opened.map((listener) => listener.close()));
}

interface BrokerParts extends Pick<ServerParts, 'authenticator' | 'authorizer' | 'store' | 'random'> {
  readonly clock: Clock;
}

function makeBroker(configuration: Configuration, parts: BrokerParts, connectionsMax: number): Broker {
  const { clock, authenticator, authorizer, store, random = systemRandom } = parts;
  return new Broker({
    clock,
    random,
    ...(authenticator !== undefined && { authenticator }),
    ...(authorizer !== undefined && { authorizer }),
    ...(store !== undefined && { store }),
    limits: { ...configuration.limits, connectionsMax },
    settings: configuration.settings,
    version: `dunlin ${SERVER_VERSION}`,
  });
}

function allowedConnections({ listeners, limits }: Configuration, fileLimit: number | undefined, tell: Tell): number {
  const wanted = limits.connectionsMax ?? LIMITS.connectionsMax.default;
  const addresses = listeners.flatMap(({ host }) => addressesOf(host)).length;
  const allowed = connectionsAllowed(wanted, fileLimit, addresses);
  if (fileLimit !== undefined && allowed < wanted)
    tell({ name: 'connectionsLimited', connectionsMax: allowed, fileLimit });
  return allowed;
}
