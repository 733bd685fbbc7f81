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
  bytes: Uint8Array | undefined;
  /** Called when it has left. */
  readonly then: (() => void) | undefined;
}

/** Where answers go; `isClosed` ends the line. */
export interface AnswerSink {
  readonly isClosed: boolean;
  write(bytes: Uint8Array): void;
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
  add(bytes: Uint8Array | undefined, ticket: number, then?: () => void): Answer {
    const answer: Answer = { bytes, ticket, then };
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
        const { bytes, then } = answers[sent++];
        if (bytes !== undefined) this.#sink.write(bytes);
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

/** PUBACK, PUBREC, PUBREL or PUBCOMP, whose first byte is `header`, without properties; 0x00 is left out. */
export function acknowledgement(header: number, packetId: number, reasonCode: number): Uint8Array {
  return reasonCode === 0
    ? Uint8Array.of(header, 2, packetId >>> 8, packetId & 0xff)
    : Uint8Array.of(header, 3, packetId >>> 8, packetId & 0xff, reasonCode);
}
