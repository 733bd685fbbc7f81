/** The port by which the outbox outlives the process or page. */

import type { Properties } from '@dunlin/protocol';

/** A publish above QoS 0, or of QoS 0 that waits, as it is kept. */
export interface OutboxRecord {
  /** Order of publishing, rising, never used twice. */
  readonly sequence: number;
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  readonly properties: Properties;
  /** Wall clock, milliseconds; undefined: never. */
  readonly expiresAtMs: number | undefined;
  /** 0 until it was sent in the present session. */
  readonly packetId: number;
  /** 'waiting', 'sent' (PUBLISH perhaps out), 'released' (PUBREC came). */
  readonly state: 'waiting' | 'sent' | 'released';
}

/** Where an outbox is kept. */
export interface OutboxStore {
  /** Takes exclusive ownership (a second owner gets an error that says who holds it) and gives all records, by sequence, and the client id they belong to. */
  open(): Promise<{ readonly clientId: string | undefined; readonly records: readonly OutboxRecord[] }>;
  /** Puts (by sequence) and removes in one atomic step; settles when it survives the death of the process (file: fsync; IndexedDB: transaction complete, durability strict). Calls may overlap; they take effect in order. */
  write(batch: {
    readonly clientId?: string;
    readonly put: readonly OutboxRecord[];
    readonly remove: readonly number[];
  }): Promise<void>;
  /** Lets go; settles when the next owner may open. */
  close(): Promise<void>;
}
