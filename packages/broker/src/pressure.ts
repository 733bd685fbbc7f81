/**
 * Back-pressure. A slow subscriber never slows a publisher: what it cannot take is dropped or waits in its queue.
 *
 * Two things make a connection be read slowly, one chunk at each tick, so that acknowledgements and PINGREQ pass and
 * nothing deadlocks: its own answers pile up because it does not read, or the queues and outboxes of connected clients
 * together hold more than `heldBytesMax`. Then the busiest publishers are slowed first, until a tenth of it is free again.
 * At twice that much nothing more is queued: many slowed publishers are together still fast.
 *
 * What is held for clients that are not there slows nobody, as waiting would not help: above `heldBytesMax` in all,
 * nothing more is queued for them.
 */
import { MqttError, ReasonCode } from '@dunlin/protocol';
import type { Broker } from './broker.ts';
import type { Connection } from './connection.ts';
import { failConnection } from './disconnect.ts';
import { ENTRY_BYTES } from './entry.ts';
import type { Message } from './message.ts';

/** The busiest publishers that together make this part of the traffic are slowed at once. */
const SLOWED_SHARE = 0.8;

export class Pressure {
  readonly #broker: Broker;
  readonly #throttled = new Set<Connection>();
  #isPressed = false;
  /** Memory of waiting messages, each counted once, of wills and of packets that are half read. */
  #keptBytes = 0;
  /** What waits for clients that are there; a message counts for each of them. */
  #presentBytes = 0;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  /** Bytes of memory for what waits, or was dropped and waits to be removed from the store. */
  get heldBytes(): number {
    return this.#keptBytes + this.#broker.pool.waitingBytes + this.#broker.commits.droppedBytes;
  }
  /** Those of them that reading slowly could free. */
  get #movingBytes(): number {
    const { pool, commits } = this.#broker;
    return Math.min(this.#presentBytes, this.#keptBytes) + pool.waitingBytes + commits.droppedBytes;
  }
  /** Nothing more is held for clients that are not there. */
  get isFull(): boolean {
    return this.heldBytes >= this.#broker.limits.heldBytesMax;
  }
  /** Nothing more can be held for anybody. */
  get isExhausted(): boolean {
    return this.heldBytes >= 2 * this.#broker.limits.heldBytesMax;
  }
  /** Whether one more message may wait: for clients that are there up to twice the limit, as memory has an end. */
  mayHold(isAbsent: boolean): boolean {
    const { heldBytesMax } = this.#broker.limits;
    return isAbsent ? !this.isFull : this.#movingBytes < 2 * heldBytesMax;
  }
  get isPressed(): boolean {
    return this.#isPressed;
  }

  keep(message: Message, isAbsent: boolean): void {
    if (message.holders === 0) this.#keptBytes += message.heldBytes;
    message.holders += 1;
    this.#keptBytes += ENTRY_BYTES;
    if (!isAbsent) this.#presentBytes += message.heldBytes + ENTRY_BYTES;
  }

  release(message: Message, isAbsent: boolean): void {
    message.holders -= 1;
    if (message.holders === 0) this.#keptBytes -= message.heldBytes;
    this.#keptBytes -= ENTRY_BYTES;
    if (!isAbsent) this.#presentBytes -= message.heldBytes + ENTRY_BYTES;
  }

  /** What waited for somebody waits now for nobody, or the other way round. */
  moved(bytes: number, isAbsent: boolean): void {
    this.#presentBytes += isAbsent ? -bytes : bytes;
  }

  /** Memory beside messages: of wills, of packets that are half read. */
  add(bytes: number): void {
    this.#keptBytes += bytes;
  }

  /** After a chunk of a connection whose outbox the wire does not take. */
  check(connection: Connection): void {
    const { limits, metrics } = this.#broker;
    const unsent = connection.unsentBytes;
    if (unsent > limits.outboxBytesHardMax) {
      metrics.connectionsClosedNotReading += 1;
      this.#broker.limitReached('outboxBytesHardMax', connection.clientId, `${unsent} bytes unsent`);
      failConnection(
        connection,
        new MqttError(
          'quota-exceeded',
          ReasonCode.quotaExceeded,
          `Cannot hold more than ${limits.outboxBytesHardMax} unsent bytes: the client does not read`,
        ),
      );
    } else if (unsent > limits.outboxBytesMax) this.#throttle(connection);
  }

  /** The wire of a connection has taken everything. */
  relieved(connection: Connection): void {
    if (connection.isThrottled && !this.#isPressed) this.#release(connection);
  }

  forget(connection: Connection): void {
    connection.isThrottled = false;
    this.#throttled.delete(connection);
  }

  /** Each turn: is it too much? */
  endOfTurn(): void {
    if (!this.#isPressed && this.#movingBytes > this.#broker.limits.heldBytesMax) this.#press();
  }

  /** Every 100 ms: lets each slowed connection read one chunk; slows more of them, or none any longer. */
  tick(): void {
    if (this.#isPressed) {
      if (this.#movingBytes < this.#broker.limits.heldBytesMax * 0.9) this.#relax();
      else this.#slowBusiest();
    }
    for (const connection of this.#throttled) {
      this.check(connection);
      if (connection.isThrottled) connection.resumeReading();
    }
    for (const connection of this.#broker.connections) connection.recentBytes = 0;
  }

  #press(): void {
    this.#isPressed = true;
    this.#broker.tell({ name: 'publishersPaused', heldBytes: this.heldBytes });
    this.#slowBusiest();
  }

  #slowBusiest(): void {
    const busy = [...this.#broker.connections].filter(
      (connection) => connection.recentBytes > 0 && !connection.isThrottled,
    );
    busy.sort((a, b) => b.recentBytes - a.recentBytes);
    let rest = busy.reduce((sum, connection) => sum + connection.recentBytes, 0) * SLOWED_SHARE;
    for (const connection of busy) {
      if (rest <= 0) return;
      rest -= connection.recentBytes;
      this.#throttle(connection);
    }
  }

  #relax(): void {
    this.#isPressed = false;
    this.#broker.tell({ name: 'publishersResumed', heldBytes: this.heldBytes });
    for (const connection of this.#throttled) this.#release(connection);
  }

  #throttle(connection: Connection): void {
    if (connection.isThrottled || connection.state === 'closed') return;
    connection.isThrottled = true;
    this.#throttled.add(connection);
    this.#broker.metrics.publishersPaused += 1;
    connection.wire.pause();
  }

  #release(connection: Connection): void {
    this.forget(connection);
    connection.resumeReading();
  }
}
