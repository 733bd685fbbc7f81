/** A listener entry that is open: what comes to it goes to the broker, with what the entry decides about it. */
import type { Broker, Clock, ListenerPolicy, Timer } from '@dunlin/broker';
import { type Listener, TransportError, type Wire } from '@dunlin/transport';
import type { TlsListener, TlsServerSettings } from '@dunlin/transport/tls';
import type { AcceptGate } from './accept-gate.ts';
import { closeTogether } from './closing.ts';
import type { ListenerConfiguration } from './configuration.ts';
import { ConnectionRate } from './connection-rate.ts';
import type { Doors } from './doors.ts';
import type { ServerEvent } from './events.ts';
import type { FileReserve } from './file-reserve.ts';
import { holdsOn } from './held-listener.ts';
import { type HttpRequestHandler, listenAt } from './listening.ts';
import { readTlsFiles, type TlsFilesContext, warnOfCertificates } from './tls-files.ts';

/** A listener entry that is open. */
export interface BoundListener {
  readonly name: string;
  readonly transport: string;
  /** As configured, such as `localhost`. */
  readonly host: string;
  /** The true one, where 0 was configured; 0 of a Unix socket. */
  readonly port: number;
  /** Every address it is open at, such as `127.0.0.1:1883` and `[::1]:1883`; of a Unix socket its path. */
  readonly addresses: readonly string[];
  readonly configuration: ListenerConfiguration;
}

export interface OpeningContext {
  readonly broker: Broker;
  readonly doors: Doors;
  readonly gate: AcceptGate;
  readonly files: FileReserve;
  readonly clock: Clock;
  readonly backlog: number;
  readonly tlsFiles: TlsFilesContext;
  readonly httpRequest: HttpRequestHandler | undefined;
  readonly tell: (event: ServerEvent) => void;
}

export interface OpenListener {
  readonly bound: BoundListener;
  /**
   * Reads the TLS files again; what it returns puts them in force, for connections that come then.
   * @throws ConfigurationError
   */
  prepareTls(files: TlsFilesContext): () => void;
  /** Settles when its addresses are free. */
  close(): Promise<void>;
}

const DAY_MS = 86_400_000;

/** A connection was accepted, and what it says of a client is not believed. */
function isHeader(error: Error): boolean {
  return error instanceof TransportError && error.code === 'DUNLIN_HEADER_UNTRUSTED';
}

/** Opens every address of an entry. @throws ServerStartError, ConfigurationError where its files cannot be used */
export async function openListener(
  configuration: ListenerConfiguration,
  context: OpeningContext,
): Promise<OpenListener> {
  const { broker, doors, gate, files, backlog, tell } = context;
  const { name, transport, host, versions } = configuration;
  const policy: ListenerPolicy = { name, versions, authenticator: doors.authenticatorFor(name) };
  let rate: ConnectionRate | undefined;
  const reject = (address: string, check: string, reason: string): void =>
    tell({ name: 'connectionRejected', address, listener: name, check, reason });
  const isWelcome = (address: string): boolean => {
    const isBanned = doors.isBanned(address);
    if (isBanned) reject(address, 'banned-address', 'too many failed there');
    return !isBanned;
  };
  const accept = (wire: Wire): void => {
    const { address } = wire.peer;
    rate?.letIn();
    if (!isWelcome(address)) {
      wire.destroy();
      return;
    }
    broker.attach(wire, policy);
    gate.letIn();
  };
  const tlsSettings = (files: TlsFilesContext) => configuration.tls && readTlsFiles(configuration.tls, files);
  let settings = tlsSettings(context.tlsFiles);
  const listeners = await listenAt(configuration, {
    backlog,
    // As many as `connectionsAllowed` has kept files for.
    waitingMax: backlog,
    connectionsPerAddressMax: broker.limits.connectionsPerAddressMax,
    isWelcome,
    isSpareFile: (descriptor) => files.isSpare(descriptor),
    accept,
    onError: (error) =>
      tell({ name: isHeader(error) ? 'headerIgnored' : 'acceptFailed', listener: name, error: error.message }),
    onRefused: (error, peer) => reject(peer.address, error.code, error.message),
    tls: settings,
    maximumPacketSize: broker.limits.maximumPacketSize,
    httpRequest: context.httpRequest,
  });
  rate = heldBack(listeners, configuration, context);
  for (const { address } of listeners) tell({ name: 'listening', listener: name, address });
  const reminder = remindDaily(configuration, context, () => settings);
  const addresses = listeners.map(({ address }) => address);
  return {
    bound: { name, transport, host, port: listeners[0].port, addresses, configuration },
    prepareTls(files) {
      const next = tlsSettings(files);
      if (next === undefined) return () => {};
      const updates = listeners.map((listener) => (listener as TlsListener).prepareUpdate(next));
      return () => {
        settings = next;
        for (const update of updates) update();
      };
    },
    close: () => {
      reminder?.cancel();
      return closeAll(name, listeners, rate, tell);
    },
  };
}

/** Has the server accept no more at the listeners than it may; returns the rate that the entry says, where it says one. */
function heldBack(
  listeners: readonly Listener[],
  { limits: { connectionsPerSecondMax } }: ListenerConfiguration,
  { clock, gate }: OpeningContext,
): ConnectionRate | undefined {
  const holds = listeners.map((listener) => holdsOn(listener));
  const rate =
    connectionsPerSecondMax === undefined
      ? undefined
      : new ConnectionRate(
          clock,
          connectionsPerSecondMax,
          holds.map((hold) => hold()),
        );
  for (const hold of holds) gate.add(hold());
  return rate;
}

/** Tells once a day of certificates in use that end soon; who reads them tells at once. */
function remindDaily(
  { tls }: ListenerConfiguration,
  { clock, tlsFiles: { warn } }: OpeningContext,
  current: () => TlsServerSettings | undefined,
): Timer | undefined {
  if (tls === undefined) return undefined;
  return clock.every(DAY_MS, () => {
    const settings = current();
    if (settings !== undefined) warnOfCertificates(tls, settings, { nowMs: clock.nowMs(), warn });
  });
}

async function closeAll(
  name: string,
  listeners: readonly Listener[],
  rate: ConnectionRate | undefined,
  tell: (event: ServerEvent) => void,
): Promise<void> {
  rate?.close();
  await closeTogether(
    listeners.map(async (listener) => {
      await listener.close();
      tell({ name: 'listenerClosed', listener: name, address: listener.address });
    }),
  );
}
