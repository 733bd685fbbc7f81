/** Receipts: how a message that somebody follows fares on its way to one client. */

/**
 * How the delivery of a message to one client ended.
 *
 * - `acknowledged`: the client has answered, with PUBACK or the last answer of QoS 2, whatever its Reason Code
 * - `written`: at QoS 0 its bytes were handed to the socket; nobody knows more
 * - `not-subscribed`: the client is not connected, or no subscription of its own, not shared, brings it the message
 * - `lost`: the connection or the session ended first, or the session dropped the message: expired, too large, displaced
 * - `refused`: there was no room for it; nothing was sent
 */
export type DeliveryOutcome = 'acknowledged' | 'written' | 'not-subscribed' | 'lost' | 'refused';

/**
 * Follows one message to one client: `broker.publish(topic, payload, { qos: 1, receipt: new Receipt('camera-1') })`.
 *
 * A client that is connected gets the message as it gets any other, and its session keeps it as it keeps any other: one
 * that outlives the connection sends it again on the next one, and the receipt stays open until it is acknowledged there,
 * so that nobody who waits for it has to send it twice. Then it ends with the session, or when the message has expired
 * while the client was away. For a client that is away when the message is published nothing is queued.
 */
export class Receipt {
  readonly clientId: string;
  /** Settles once, at the latest when the broker stops; rejects never. */
  readonly outcome: Promise<DeliveryOutcome>;
  /** Wall clock at which the message expires; Infinity for never. */
  expiresAtMs = Number.POSITIVE_INFINITY;
  readonly #settle: (outcome: DeliveryOutcome) => void;
  #isUsed = false;

  /** `clientId`: whom the message is followed to. */
  constructor(clientId: string) {
    this.clientId = clientId;
    const { promise, resolve } = Promise.withResolvers<DeliveryOutcome>();
    this.outcome = promise;
    this.#settle = resolve;
  }

  /** The broker takes it for a message. @throws Error where it has followed another one */
  begin(expiresAtMs = Number.POSITIVE_INFINITY): void {
    if (this.#isUsed) throw new Error('Cannot follow a second message with one receipt: a new one is expected');
    this.#isUsed = true;
    this.expiresAtMs = expiresAtMs;
  }

  /** Of the broker alone. */
  settle(outcome: DeliveryOutcome): void {
    this.#settle(outcome);
  }
}

/** The receipts of deliveries at QoS 1 and 2 that a session has to finish, by queue position. */
export class OpenReceipts {
  readonly #receipts = new Map<number, Receipt>();

  add(position: number, receipt: Receipt): void {
    this.#receipts.set(position, receipt);
  }

  /** The delivery at a position is over. Returns whether others are open. */
  settle(position: number, outcome: DeliveryOutcome): boolean {
    this.#receipts.get(position)?.settle(outcome);
    this.#receipts.delete(position);
    return this.#receipts.size > 0;
  }

  /** Wall clock at which the first of the messages expires; Infinity where none does. */
  get expiresAtMs(): number {
    let first = Number.POSITIVE_INFINITY;
    for (const { expiresAtMs } of this.#receipts.values()) first = Math.min(first, expiresAtMs);
    return first;
  }

  /** The client is away, and what has expired by now it will not have in time. */
  expire(nowMs: number): void {
    for (const [position, { expiresAtMs }] of this.#receipts) if (expiresAtMs <= nowMs) this.settle(position, 'lost');
  }

  /** Nobody sees to the deliveries any longer. */
  lose(): void {
    for (const position of this.#receipts.keys()) this.settle(position, 'lost');
  }
}

/** The receipts of what a connection has to hand to its socket, in order. */
export class WrittenReceipts {
  readonly #waiting: { readonly receipt: Receipt; readonly endsAt: number }[] = [];

  /** `endsAt`: of all bytes that the connection is to hand over, the last one of its message. */
  add(receipt: Receipt, endsAt: number): void {
    this.#waiting.push({ receipt, endsAt });
  }

  /** So many bytes were handed over by now. Returns whether others wait. */
  handed(bytes: number): boolean {
    while (this.#waiting.length > 0 && this.#waiting[0].endsAt <= bytes)
      this.#waiting.shift()?.receipt.settle('written');
    return this.#waiting.length > 0;
  }

  /** What waits is not handed over any more. */
  lose(): void {
    for (const { receipt } of this.#waiting) receipt.settle('lost');
  }
}
