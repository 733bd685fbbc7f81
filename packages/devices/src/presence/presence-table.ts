/** What is kept of whether a device is there, and what consumers are told of it. */
import type { TableDefinition } from '@dunlin/broker';

export interface PresenceRecord {
  readonly deviceId: string;
  readonly connected: boolean;
  /** Rises with every connection of the device, restarts of the server included: of two messages the higher one is newer. */
  readonly session: number;
  /** Of the newest connection, as are the next three. */
  readonly clientId: string;
  readonly address: string;
  readonly listener: string;
  /** 3: MQTT 3.1, 4: 3.1.1, 5: 5.0. */
  readonly protocolVersion: number;
  /** Why the connection ended, for people; empty while there is one. */
  readonly reason: string;
  /** Wall clock, as are the others. */
  readonly connectedAtMs: number;
  /** Undefined while it is connected. */
  readonly disconnectedAtMs: number | undefined;
  /** When the server last heard of its coming or going. */
  readonly lastSeenAtMs: number;
  /** Where the retained message stands; undefined: nowhere. */
  readonly topic: string | undefined;
}

export const CONNECTED = 'connected';

export const PRESENCE_TABLE: TableDefinition<PresenceRecord> = {
  name: 'device-presence',
  indexes: { connected: ({ connected }) => (connected ? [CONNECTED] : []) },
};

/** The retained message: the record as JSON, without its own topic. */
export function presenceMessage(record: PresenceRecord): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ ...record, topic: undefined }));
}
