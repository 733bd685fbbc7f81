/** Messages between the connection, which brings them when it likes, and the program, which takes them one by one. */

import type { ReceivedMessage } from '@dunlin/client';

/** A message that waits to be taken. */
export interface Waiting {
  readonly message: ReceivedMessage;
  /** The program has it: a message of QoS 1 is acknowledged. */
  readonly taken: () => void;
}

/**
 * The messages of one connection and those that follow it.
 *
 * One of QoS 0 that finds `messagesMax` waiting is dropped and counted. Those above QoS 0 are kept for their session, without
 * an acknowledgement, so that the server sends no more than it allows to be open: 65535 at the very most, as many as
 * there are Packet Identifiers.
 */
export class Inbox {
  /** Messages that found no room. */
  dropped = 0;
  readonly #messagesMax: number;
  #waiting: Waiting[] = [];
  readonly #takers: PromiseWithResolvers<Waiting>[] = [];
  #latest: { readonly message: ReceivedMessage; readonly held: Promise<void> } | undefined;
  #end: Error | undefined;

  constructor(messagesMax: number) {
    this.#messagesMax = messagesMax;
  }

  /** A message came. */
  put(message: ReceivedMessage): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#latest = { message, held: promise };
    const waiting = { message, taken: resolve };
    const taker = this.#takers.shift();
    if (taker !== undefined) taker.resolve(waiting);
    else if (message.qos > 0 || this.#waiting.length < this.#messagesMax) this.#waiting.push(waiting);
    else this.dropped += 1;
  }

  /**
   * There is a connection. Where it goes on with the session, the server sends again what has no acknowledgement. Where
   * it does not, nothing holds that server back for what came before: what is above `messagesMax` is dropped and counted.
   */
  connected(isResumed: boolean): void {
    if (isResumed) this.#waiting = this.#waiting.filter(({ message }) => message.qos !== 1);
    else this.dropped += this.#waiting.splice(this.#messagesMax).length;
  }

  /** For the handlers of the message that was just put: settles when it is taken, which is when to acknowledge it. */
  readonly held = (message: ReceivedMessage): Promise<void> | undefined =>
    message.qos > 0 && this.#latest?.message === message ? this.#latest.held : undefined;

  /** The message that has waited longest, where there is one. Throws behind the last of an inbox that has ended. */
  take(): Waiting | undefined {
    const waiting = this.#waiting.shift();
    if (waiting === undefined && this.#end !== undefined) throw this.#end;
    return waiting;
  }

  /** Settles with the next message; rejects when the inbox ends before. Those who ask first get first. */
  next(): Promise<Waiting> {
    const waiting = this.take();
    if (waiting !== undefined) return Promise.resolve(waiting);
    const taker = Promise.withResolvers<Waiting>();
    this.#takers.push(taker);
    return taker.promise;
  }

  /** Nothing more comes; what waits can still be taken. Only the first end counts. */
  end(error: Error): void {
    if (this.#end !== undefined) return;
    this.#end = error;
    for (const taker of this.#takers.splice(0)) taker.reject(error);
  }
}
