/** An Entry: one delivery at QoS 1 or 2 that waits or is not finished, and what may be done with it. */
import type { GroupCommit } from './group-commit.ts';
import type { Message } from './message.ts';
import type { StoredEntry } from './ports.ts';
import { NO_IDENTIFIERS } from './subscription.ts';

export interface Entry extends StoredEntry {
  /** Ticket of the batch that holds it; 0 where nothing was written, or long ago. */
  readonly ticket: number;
  /** Its place in that batch. */
  readonly place: number;
  /** The store has it, or will: then each step of its delivery is written, whatever has become of the session. */
  readonly isStored: boolean;
  /**
   * Whether it was sent on an earlier connection: then DUP is 1 [MQTT-3.3.1-1]. 'perhaps': to a client of the broker
   * before this one, which has left no more of it than a mark (see `SentMark`).
   */
  readonly sent: 'never' | 'perhaps' | 'surely';
}

/** Stands for a delivery that nobody will send again: no stored session, no shared subscription. */
export const FORGOTTEN: Entry = Object.freeze({
  position: 0,
  message: undefined as unknown as Message,
  qos: 1,
  retain: false,
  identifiers: NO_IDENTIFIERS,
  share: undefined,
  ticket: 0,
  place: 0,
  isStored: false,
  sent: 'never',
  released: false,
});

/** An entry that was not sent yet; of a stored session for the batch that is open, which is `commits`. */
export function newEntry(
  position: number,
  message: Message,
  qos: 1 | 2,
  retain: boolean,
  identifiers: readonly number[],
  share: string | undefined,
  commits: Pick<GroupCommit, 'ticket' | 'place'> | undefined,
): Entry {
  return {
    position,
    message,
    qos,
    retain,
    identifiers,
    share,
    ticket: commits?.ticket ?? 0,
    place: commits?.place ?? 0,
    isStored: commits !== undefined,
    sent: 'never',
    released: false,
  };
}

/** What an entry costs beside its message. */
export const ENTRY_BYTES = 160;

export const PACKET_IDS = 0xffff;

/** The Packet Identifier of a queue position: 1 to 65535, then 1 again. */
export function packetIdOf(position: number): number {
  return ((position - 1) % PACKET_IDS) + 1;
}

/**
 * Whether it may be given up, because it has expired or for want of room. A QoS 2 message that may have been sent is
 * finished in any case [MQTT-4.3.3-7]: its client may have half of it, and would take a later one for it.
 */
export function mayDrop({ sent, qos }: Entry): boolean {
  return sent === 'never' || (sent === 'perhaps' && qos === 1);
}

/** Whether another member of its shared subscription may have it: never a QoS 2 message that was sent [MQTT-4.8.2-5]. */
export function mayHandOver({ share, sent, qos }: Entry): boolean {
  return share !== undefined && (qos === 1 || sent === 'never');
}
