/**
 * The line of answers of a connection: each leaves when its ticket is durable and everything before it has left.
 *
 * So acknowledgements leave in the order of what they answer, whatever their writes had to wait for.
 */
import type { GroupCommit, Waiter } from './group-commit.ts';

/** A place in line. */
export interface Answer {
  /** The batch it waits for; 0 for nothing, Infinity until that is known. */
  ticket: number;
  /** Its bytes, or what `acknowledgement` made of it; undefined for nothing. */
  packet: Uint8Array | number | undefined;
  /** Called when it has left. */
  readonly then: (() => void) | undefined;
}

/** Where answers go; `isClosed` ends the line. */
export interface AnswerSink {
  readonly isClosed: boolean;
  write(packet: Uint8Array | number): void;
}

export class AnswerLine implements Waiter {
  readonly #sink: AnswerSink;
  readonly #commits: GroupCommit;
  #answers: Answer[] = [];
  #isWaiting = false;
  #isSending = false;

  constructor(sink: AnswerSink, commits: GroupCommit) {
    this.#sink = sink;
    this.#commits = commits;
  }

  get isEmpty(): boolean {
    return this.#answers.length === 0;
  }

  /** Takes the last place. `send` must follow, now or when bytes and ticket are known. */
  add(packet: Uint8Array | number | undefined, ticket: number, then?: () => void): Answer {
    const answer: Answer = { packet, ticket, then };
    this.#answers.push(answer);
    return answer;
  }

  /** Sends what is due at the head. A `then` may add to the end, and is not entered twice. */
  send(): void {
    if (this.#isSending) return;
    this.#isSending = true;
    const answers = this.#answers;
    let sent = 0;
    try {
      while (sent < answers.length && !this.#sink.isClosed && this.#isDue(answers[sent])) {
        const { packet, then } = answers[sent++];
        if (packet !== undefined) this.#sink.write(packet);
        then?.();
      }
    } finally {
      this.#isSending = false;
      if (this.#sink.isClosed) this.#answers = [];
      else answers.splice(0, sent);
    }
    this.#wait();
  }

  #wait(): void {
    const answers = this.#answers;
    if (answers.length === 0 || this.#isWaiting || answers[0].ticket === Number.POSITIVE_INFINITY) return;
    this.#isWaiting = true;
    this.#commits.wait(this);
  }

  /** The batch its answers waited for is durable. */
  durable(): void {
    this.#isWaiting = false;
    this.send();
  }

  #isDue(answer: Answer): boolean {
    return answer.ticket === 0 || this.#commits.isDurable(answer.ticket);
  }
}

/** PUBACK, PUBREC, PUBREL or PUBCOMP, whose first byte is `header`, as one number: thousands may stand in line. */
export function acknowledgement(header: number, packetId: number, reasonCode: number): number {
  return (header << 24) | (packetId << 8) | reasonCode;
}

/** What an acknowledgement takes at the most. */
export const ACKNOWLEDGEMENT_BYTES_MAX = 5;

/** Writes it as a packet without properties, 0x00 left out. Returns where it ends. */
export function writeAcknowledgement(target: Uint8Array, start: number, packed: number): number {
  const reasonCode = packed & 0xff;
  let at = start;
  target[at++] = packed >>> 24;
  target[at++] = reasonCode === 0 ? 2 : 3;
  target[at++] = packed >>> 16;
  target[at++] = packed >>> 8;
  if (reasonCode !== 0) target[at++] = reasonCode;
  return at;
}
