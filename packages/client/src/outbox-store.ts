/** The port of the outbox: where publishes are kept so that they outlive the connection, the process or the page. */
import type { Properties } from '@dunlin/protocol';

/** A publish above QoS 0, or one of QoS 0 that waits, as it is kept. */
export interface OutboxRecord {
  /** Order of publishing: a safe integer from 0, rising, never used twice. */
  readonly sequence: number;
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  /** Those of a PUBLISH; empty before MQTT 5.0. */
  readonly properties: Properties;
  /** Wall clock in milliseconds; undefined: never. */
  readonly expiresAtMs: number | undefined;
  /** 0 until it was sent in the present session, then 1 to 65535. */
  readonly packetId: number;
  /** `waiting`: was not sent in the present session. `sent`: PUBLISH may have left. `released`: PUBREC came. */
  readonly state: 'waiting' | 'sent' | 'released';
}

/** Changes that take effect together or not at all. */
export interface OutboxBatch {
  /** The Client Identifier that the records belong to from now on; undefined: as before. */
  readonly clientId?: string | undefined;
  /**
   * Records to add; of one whose sequence is kept already only `packetId` and `state` change: a message is what it is
   * from its first put on, and an adapter need not write it again.
   */
  readonly put: readonly OutboxRecord[];
  /** Sequences to take away, after `put`; one that is not kept is passed over. */
  readonly remove: readonly number[];
}

/** What a store holds when it is opened. */
export interface OutboxContents {
  /** The last one written; undefined where none was. */
  readonly clientId: string | undefined;
  /** All records by rising sequence; they and their bytes are the caller's. */
  readonly records: readonly OutboxRecord[];
}

/**
 * Keeps the outbox of one client. Every adapter passes the suite in `contract/outbox-store.ts`.
 *
 * Whatever rejects does so with an `OutboxError`. A store that was closed may be opened again.
 */
export interface OutboxStore {
  /**
   * Takes exclusive ownership and gives what is kept.
   *
   * Rejects `held` where another owner has it (also this store itself), or waits for it, as the adapter's options say.
   */
  open(): Promise<OutboxContents>;
  /**
   * Makes the changes of `batch`, and settles when they survive the death of the process (file: flushed to the device;
   * IndexedDB: transaction complete with strict durability). Calls may overlap; they take effect in their order.
   *
   * The batch and its bytes are the store's until then. One that rejects with `full` or `invalid` changed nothing, and
   * the next may succeed; after `failed` the store has to be closed and opened again, and only then is it known whether
   * that batch took effect. Rejects `closed` where it is not open, from the call of `close` on.
   */
  write(batch: OutboxBatch): Promise<void>;
  /** Waits for the writes that were called, then lets go; settles when the next owner may open. Never rejects. */
  close(): Promise<void>;
}

/**
 * Stable names of what can be wrong with a store.
 *
 * `held`: another owner has it open. `not-ours`: something else stands at its place. `newer-format`: a newer version of
 * this package wrote it. `damaged`: its content cannot be read. `no-directory`: the directory of the file is missing.
 * `full`: no room for this write, by disk, quota or limit. `invalid`: the record cannot be encoded. `failed`: the
 * system refused to open, read or write it; `cause` is its error. `closed`: it is not open.
 */
export type OutboxErrorCode =
  | 'held'
  | 'not-ours'
  | 'newer-format'
  | 'damaged'
  | 'no-directory'
  | 'full'
  | 'invalid'
  | 'failed'
  | 'closed';

/** Why a store could not do what it was asked to; the text names the store and says what to do, and no content of it. */
export class OutboxError extends Error {
  override readonly name = 'OutboxError';
  readonly code: OutboxErrorCode;

  constructor(code: OutboxErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}
