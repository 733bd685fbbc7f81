/** What the device service needs from outside: tables to remember in, a broker to speak through, time. */
import type { Awaitable, Clock, DeliveryOutcome, Table, TableDefinition } from '@dunlin/broker';
import type { QoS } from '@dunlin/protocol';
import type { DeviceEvent } from './events.ts';

export type { DeliveryOutcome };

/** Opens tables: those of the store beside the messages, or tables in memory. */
export interface Tables {
  table<T>(definition: TableDefinition<T>): Table<T>;
}

export interface ReceivedByService {
  readonly topic: string;
  /** A view that is valid until the call returns. */
  readonly payload: Uint8Array;
}

/** Returns, or resolves, when a crash can no longer undo what comes of the message. */
export type TakeByService = (message: ReceivedByService) => Awaitable<void>;

/** What devices need of the broker that they connect to. The server implements it; tests have one in memory. */
export interface DeviceBroker {
  /** Publishes in the name of the server, QoS 1; settles when it can no longer be lost. An empty retained payload clears. */
  publish(topic: string, payload: Uint8Array, options: { readonly retain: boolean }): Promise<void>;
  /**
   * Clears what is retained at the topics that a filter matches, as empty retained messages do, a few at a time. Settles when
   * it can no longer come back. What comes to be retained meanwhile may stay.
   */
  clearRetained(filter: string): Promise<void>;
  /**
   * Publishes as any message is published, and settles with how the delivery to this one client ended. It is not queued
   * for a client that is away. Where the session outlives the connection, what was under way is not lost with that: the
   * session sends it again on the next one, and the outcome waits for that, until the message has expired. So it need not
   * be published again before it settles. Rejects never.
   */
  publishTo(
    clientId: string,
    topic: string,
    payload: Uint8Array,
    options: { readonly qos: 0 | 1; readonly expiresInS: number },
  ): Promise<DeliveryOutcome>;
  /** Highest QoS granted to a subscription of a connected client that matches the topic; undefined where there is none. */
  subscribedQos(clientId: string, topic: string): QoS | undefined;
  /**
   * Has each new message that matches handed over, until the returned function is called; none that was retained before. At
   * QoS 1 and 2 it is acknowledged to its publisher when `take` is done with it, and not where that rejects.
   */
  subscribe(filter: string, take: TakeByService): () => void;
  /** Ends the connection of a client (0x98), if there is one. */
  disconnect(clientId: string): boolean;
  /**
   * Ends the session of a client, and its connection, where `isMeant` says so of the identity that it is bound to; returns
   * whether it did.
   */
  endSession(clientId: string, isMeant: (identity: string | undefined) => boolean): boolean;
  /**
   * Ends every session, with its connection, of whose identity `isMeant` says so, a few at a time: it looks at all of them.
   * Settles when none of them can come back.
   */
  endSessions(isMeant: (identity: string | undefined) => boolean): Promise<void>;
  /** Asks methods again about everybody who is connected; calls close together are one. */
  review(): void;
}

/** What every part of the service is given. */
export interface ServiceParts {
  readonly tables: Tables;
  readonly clock: Clock;
  /** Told of everything that happens to devices. Must not throw. */
  readonly tell: (event: DeviceEvent) => void;
}
