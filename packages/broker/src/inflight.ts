/**
 * What a session has sent at QoS 1 and 2 and its client has not finished: the states of `SenderFlow`, and the memory of
 * the messages that are kept to be sent again.
 */
import { type QoS, SenderFlow } from '@dunlin/protocol';
import { type Entry, FORGOTTEN, PACKET_IDS, packetIdOf } from './entry.ts';
import type { MessageHolder } from './queue.ts';

export class Inflight {
  readonly #holder: MessageHolder;
  readonly #flow: SenderFlow<Entry>;
  #bytes = 0;
  /** Those under way that this broker has not sent. */
  #aside: Set<Entry> | undefined = undefined;

  /** `maximum`: deliveries that the client takes at once. */
  constructor(holder: MessageHolder, maximum: number) {
    this.#holder = holder;
    this.#flow = new SenderFlow<Entry>(maximum);
  }

  get size(): number {
    return this.#flow.size;
  }

  /** Whether one more may be sent, of those that are chosen now. */
  hasQuota(): boolean {
    return this.#flow.hasQuota();
  }

  /** Whether the delivery at a queue position may be sent, while those under way have fewer than `bytesMax` bytes. */
  hasRoomFor(position: number, bytesMax: number): boolean {
    return this.#flow.hasQuota() && this.mayKeep(position, bytesMax);
  }

  /** Whether it may be kept as one that was sent, while there are fewer than `bytesMax` bytes. */
  mayKeep(position: number, bytesMax: number): boolean {
    return this.#bytes < bytesMax && !this.#flow.isOpen(packetIdOf(position));
  }

  /** The first position after `last` whose identifier no unanswered delivery has; where all are taken it waits for its own. */
  nextPosition(last: number): number {
    let position = last + 1;
    if (this.#flow.size < PACKET_IDS) while (this.#flow.isOpen(packetIdOf(position))) position += 1;
    return position;
  }

  /** The entry was sent, and where it is released its PUBREL; FORGOTTEN where nobody will send it again. */
  open(packetId: number, qos: 1 | 2, entry: Entry): void {
    this.#flow.open(packetId, qos, entry);
    if (entry === FORGOTTEN) return;
    if (entry.released) this.#flow.pubrec(packetId, 0);
    this.#bytes += entry.message.heldBytes;
    this.#holder.keep(entry.message);
  }

  /** No client is there, and the entry leaves the queue as if it had been sent, until the next connection. */
  setAside(packetId: number, entry: Entry): void {
    this.#aside ??= new Set();
    this.#aside.add(entry);
    this.open(packetId, entry.qos, entry);
  }

  /** Each of the answers returns the entry that is over, or undefined. */
  puback(packetId: number): Entry | undefined {
    return this.#closed(this.#flow.puback(packetId));
  }

  pubcomp(packetId: number): Entry | undefined {
    return this.#closed(this.#flow.pubcomp(packetId));
  }

  /** 'release': the entry goes on with PUBREL; 'done': it is over; 'unknown': there is none. */
  pubrec(packetId: number, reasonCode: number): { step: 'release' | 'done' | 'unknown'; entry: Entry | undefined } {
    const entry = this.#flow.get(packetId);
    const step = this.#flow.pubrec(packetId, reasonCode);
    if (step === 'done') this.#closed(entry);
    return { step, entry };
  }

  /**
   * A new connection carries on. Returns the identifiers whose PUBREL is to be told at once, and the entries to be sent
   * again, which are no longer under way [MQTT-4.4.0-1].
   */
  resume(maximum: number): { readonly released: readonly number[]; readonly again: readonly Entry[] } {
    const flow = this.#flow;
    const open = flow.entries();
    flow.clear();
    flow.resume(maximum);
    const released: number[] = [];
    const again: Entry[] = [];
    for (const { id, qos, state, item } of open) {
      if (state === 'released') {
        flow.open(id, qos, item);
        flow.pubrec(id, 0);
        released.push(id);
      } else if (item !== FORGOTTEN) {
        this.#closed(item);
        again.push(this.#aside?.has(item) ? item : { ...item, sent: 'surely' });
      }
    }
    this.#aside = undefined;
    return { released, again };
  }

  /** The session ends. Returns what was under way. */
  end(): readonly { readonly qos: QoS; readonly item: Entry }[] {
    const open = this.#flow.entries();
    this.#flow.clear();
    for (const { item } of open) this.#closed(item);
    return open;
  }

  #closed(entry: Entry | undefined): Entry | undefined {
    if (entry === undefined || entry === FORGOTTEN) return entry;
    this.#bytes -= entry.message.heldBytes;
    this.#holder.release(entry.message);
    return entry;
  }
}
