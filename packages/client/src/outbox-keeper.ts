/** Writes the outbox down: what changed in a turn is one batch, and what depends on it waits until it is durable. */

import { PacketWriter, writeClientPacket } from '@dunlin/protocol';
import { SENT } from './connection.ts';
import { MqttError, mqttError } from './errors.ts';
import { bytesOf } from './link.ts';
import { OPEN_MAX, type Outbox, type Outgoing } from './outbox.ts';
import type { OutboxRecord, OutboxStore } from './outbox-store.ts';
import type { Settings } from './settings.ts';

/** The store of one outbox, while the client is open. */
export class OutboxKeeper {
  readonly #store: OutboxStore;
  readonly #failed: (error: MqttError) => void;
  #puts = new Map<number, OutboxRecord>();
  #removes = new Set<number>();
  #then: (() => void)[] = [];
  #clientId: string | undefined;
  /** Settles when all that was written is durable. */
  #written: Promise<unknown> = Promise.resolve();
  #writing = 0;
  #isAsked = false;
  #isFailed = false;

  /** `failed` hears of a write that was not done; nothing is written after it, and nothing that waits goes on. */
  constructor(store: OutboxStore, failed: (error: MqttError) => void) {
    this.#store = store;
    this.#failed = failed;
  }

  /** Throws what is wrong with a publish: what cannot be written would fail the store, and the client with it. */
  check({ topic, qos, retain, properties }: OutboxRecord): void {
    const payload = new Uint8Array(0);
    const packet = { type: 'publish', dup: false, topic, payload, qos, retain, properties, packetId: 1 } as const;
    writeClientPacket(new PacketWriter(), packet, 5);
  }

  /** Keeps the present state of a publish; `then` runs when that is durable. */
  put(record: OutboxRecord, then?: () => void): void {
    const { sequence, topic, payload, qos, retain, properties, expiresAtMs, packetId, state } = record;
    const kept = { sequence, topic, payload, qos, retain, properties, expiresAtMs, packetId, state };
    this.#puts.set(sequence, kept);
    if (then !== undefined) this.#then.push(then);
    this.#ask();
  }

  /** Forgets a publish that is over. */
  remove(sequence: number): void {
    this.#puts.delete(sequence);
    this.#removes.add(sequence);
    this.#ask();
  }

  /** Whom the outbox belongs to from now on. */
  own(clientId: string): void {
    this.#clientId = clientId;
    this.#ask();
  }

  /** Runs when all that was put before is durable: at once where it is. */
  after(run: () => void): void {
    if (this.#writing === 0 && !this.#isAsked) run();
    else {
      this.#then.push(run);
      this.#ask();
    }
  }

  /** Writes the rest and lets the store go; never rejects. */
  async close(): Promise<void> {
    this.#write();
    try {
      await this.#written;
      await this.#store.close();
    } catch {
      // Whoever opens it next is told.
    }
  }

  #ask(): void {
    if (this.#isAsked) return;
    this.#isAsked = true;
    queueMicrotask(() => this.#write());
  }

  #write(): void {
    if (!this.#isAsked || this.#isFailed) return;
    this.#isAsked = false;
    const clientId = this.#clientId;
    const batch = { put: [...this.#puts.values()], remove: [...this.#removes] };
    const then = this.#then;
    this.#puts = new Map();
    this.#removes = new Set();
    this.#then = [];
    this.#clientId = undefined;
    this.#writing += 1;
    const write = (async () => this.#store.write(clientId === undefined ? batch : { ...batch, clientId }))();
    this.#written = Promise.all([this.#written, write]).then(
      () => {
        this.#writing -= 1;
        if (!this.#isFailed) for (const run of then) run();
      },
      (cause) => {
        if (this.#isFailed) return;
        this.#isFailed = true;
        this.#failed(new MqttError('outbox-failed', `Cannot keep the outbox: ${mqttError(cause).message}`, { cause }));
      },
    );
  }
}

/**
 * Opens the store of `settings` for an outbox, which then has what was kept and its keeper; settles with the Client
 * Identifier that goes with it, `clientId` unless the store has another. `failed` hears of what cannot be kept.
 *
 * Rejects with what the store says, and 'invalid' where it belongs to another client than the settings want. Then it is
 * let go, as where nobody wants it any more.
 */
export async function openOutbox(
  outbox: Pick<Outbox, 'keeper' | 'restore'>,
  settings: Settings,
  clientId: string,
  signal: AbortSignal,
  failed: (error: MqttError) => void,
): Promise<string> {
  const { outbox: options, clientId: wanted } = settings;
  const store = options.store as OutboxStore;
  if (signal.aborted) return clientId;
  const { clientId: kept, records } = await store.open();
  const isForeign = wanted !== undefined && kept !== undefined && kept !== wanted;
  if (isForeign || signal.aborted) await store.close();
  if (isForeign) throw new MqttError('invalid', `Cannot connect as "${wanted}": the outbox belongs to "${kept}"`);
  if (signal.aborted) return clientId;
  const open = records.filter(({ state }) => state !== 'waiting').length;
  if (open > OPEN_MAX) {
    await store.close();
    throw new MqttError(
      'outbox-failed',
      `Cannot take the outbox: ${open} publishes are open, at most ${OPEN_MAX} can be`,
    );
  }
  outbox.keeper = new OutboxKeeper(store, failed);
  if (kept === undefined) outbox.keeper.own(clientId);
  outbox.restore(records.map(restored));
  return kept ?? clientId;
}

/** A publish as an earlier process left it. */
export function restored(record: OutboxRecord): Outgoing {
  const { topic, payload, properties, state } = record;
  const bytes = bytesOf([topic, payload, Object.values(properties)]);
  return { ...record, bytes, dup: state === 'sent', settle: undefined, result: SENT };
}
