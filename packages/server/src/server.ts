/** A running server: a broker and the listeners that bring it its connections. */
import { readFileSync } from 'node:fs';
import {
  type Authenticator,
  type Authorizer,
  Broker,
  type Clock,
  LIMITS,
  type ListenerPolicy,
  type Random,
  type Store,
} from '@dunlin/broker';
import type { LmdbEnvironment } from '@dunlin/lmdb';
import type { Listener, Wire } from '@dunlin/transport';
import { AcceptGate } from './accept-gate.ts';
import { addressesOf } from './address.ts';
import {
  type Configuration,
  ConfigurationError,
  type ConfigurationInput,
  completeConfiguration,
  type ListenerConfiguration,
} from './configuration.ts';
import { checkInput } from './configuration-input.ts';
import { hint, quoted } from './configuration-reading.ts';
import { controlCommands } from './control-commands.ts';
import { ControlSocket } from './control-socket.ts';
import type { ServerEvent } from './events.ts';
import { backlogFor, connectionsAllowed, openFileLimit } from './file-limit.ts';
import { checkReach, listenAt } from './listening.ts';
import { openStorage } from './storage.ts';
import { systemClock } from './system-clock.ts';
import { systemRandom } from './system-random.ts';

/** What an embedding program or a test puts in place of the parts that a server has by itself. */
export interface ServerParts {
  /** Asks every client who it is; listeners beyond loopback need no `allowAnonymous` then. Default: lets everybody in. */
  readonly authenticator?: Authenticator;
  /** Default: permits everything. */
  readonly authorizer?: Authorizer;
  /** Default: what `data` and `durability` say. Must not be given beside `data`. */
  readonly store?: Store;
  readonly clock?: Clock;
  readonly random?: Random;
  /** Told of everything, from the opening of the listeners on. Must not throw. */
  readonly onEvent?: (event: ServerEvent) => void;
  /** Limit of open files of the process; undefined: as the system says. */
  readonly fileLimit?: number;
}

/** A listener entry that is open. */
export interface BoundListener {
  readonly name: string;
  readonly transport: string;
  /** As configured, such as `localhost`. */
  readonly host: string;
  /** The true one, where 0 was configured. */
  readonly port: number;
  /** Every address it is open at, such as `127.0.0.1:1883` and `[::1]:1883`. */
  readonly addresses: readonly string[];
  readonly configuration: ListenerConfiguration;
}

export interface RunningServer {
  readonly configuration: Configuration;
  readonly broker: Broker;
  /** In the order of the configuration. */
  readonly listeners: readonly BoundListener[];
  /** Connections at once, as far as limit and open files allow. */
  readonly connectionsMax: number;
  /** Limit of open files of the process, where it was asked and has one. */
  readonly fileLimit: number | undefined;
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
  if (parts.authenticator === undefined) for (const listener of configuration.listeners) checkReach(listener);
  if (parts.store !== undefined && configuration.durability !== 'memory')
    throw new ConfigurationError([
      `data is ${quoted(configuration.data ?? '')} beside a store: one of both is expected`,
    ]);
  const storage = await openStorage(configuration, (error) => tell({ name: 'storeSweepFailed', error }));
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
  const broker = makeBroker(configuration, connectionsMax, clock, storage?.store ?? parts.store, parts);
  const forget = broker.onEvent(tell);
  const gate = new AcceptGate({
    clock,
    connectionsMax,
    connections: () => broker.connections.size,
    paused: (connections) => tell({ name: 'acceptingPaused', connections }),
    resumed: (connections) => tell({ name: 'acceptingResumed', connections }),
  });
  await broker.start();
  const opened: Opened[] = [];
  let control: ControlSocket | undefined;
  try {
    control = await openControl(storage);
    for (const listener of configuration.listeners)
      opened.push(await openListener(listener, { broker, gate, tell, backlog: backlogFor(fileLimit) }));
  } catch (error) {
    // A server that never was does not tell that it drains.
    forget();
    await Promise.allSettled([closeAll(opened, gate, tell), control?.close()]);
    await broker.stop();
    throw error;
  }
  let stopped: Promise<void> | undefined;
  return {
    configuration,
    broker,
    listeners: opened.map(({ bound }) => bound),
    connectionsMax,
    fileLimit,
    stop() {
      stopped ??= stopAll().finally(forget);
      return stopped;
    },
  };

  async function stopAll(): Promise<void> {
    // Commands under way are answered: a backup when it is whole, a check when the storage closes.
    const controlClosed = control?.close();
    await allInTurn([
      () => closeAll(opened, gate, tell),
      () => broker.stop(),
      () => storage?.close(),
      () => controlClosed,
    ]);
  }
}

/** Takes every step, also behind one that fails. @throws what the first to fail threw */
async function allInTurn(steps: readonly (() => Promise<void> | undefined)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

/** Without a data directory there is nothing that the command line could find it by. */
async function openControl(storage: LmdbEnvironment | undefined): Promise<ControlSocket | undefined> {
  if (storage === undefined) return undefined;
  const server = { pid: process.pid, version: SERVER_VERSION };
  return await ControlSocket.open({ directory: storage.directory, commands: controlCommands({ storage, server }) });
}

interface Opened {
  readonly bound: BoundListener;
  readonly listeners: readonly Listener[];
}

interface OpeningContext {
  readonly broker: Broker;
  readonly gate: AcceptGate;
  readonly tell: Tell;
  readonly backlog: number;
}

async function openListener(configuration: ListenerConfiguration, context: OpeningContext): Promise<Opened> {
  const { broker, gate, tell, backlog } = context;
  const { name, transport, host, versions } = configuration;
  const policy: ListenerPolicy = { name, versions };
  const accept = (wire: Wire): void => {
    broker.attach(wire, policy);
    gate.letIn();
  };
  const onError = (error: Error): void => tell({ name: 'acceptFailed', listener: name, error: error.message });
  const listeners = await listenAt(configuration, { backlog, accept, onError });
  for (const listener of listeners) {
    gate.add(listener);
    tell({ name: 'listening', listener: name, address: listener.address });
  }
  const addresses = listeners.map(({ address }) => address);
  return { bound: { name, transport, host, port: listeners[0].port, addresses, configuration }, listeners };
}

async function closeAll(opened: readonly Opened[], gate: AcceptGate, tell: Tell): Promise<void> {
  gate.close();
  const closing = opened.flatMap(({ bound, listeners }) =>
    listeners.map(async (listener) => {
      await listener.close();
      tell({ name: 'listenerClosed', listener: bound.name, address: listener.address });
    }),
  );
  const failed = (await Promise.allSettled(closing)).find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

function makeBroker(
  configuration: Configuration,
  connectionsMax: number,
  clock: Clock,
  store: Store | undefined,
  parts: ServerParts,
): Broker {
  const { authenticator, authorizer, random = systemRandom } = parts;
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
