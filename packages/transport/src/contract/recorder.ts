/** A handler for tests which writes down what it is told and lets a test wait for it. */

import assert from 'node:assert/strict';
import type { Wire, WireHandler } from '../wire.ts';

type Event = 'received' | 'ended' | 'drained' | 'closed';

/** Opens the wire and records; asserts at each call what a handler may rely on. */
export class Recorder implements WireHandler {
  readonly wire: Wire;
  /** All but `received`, in order. */
  readonly events: Event[] = [];
  error: Error | undefined;
  /** Run inside the calls, after they were recorded. */
  onReceived: (chunk: Buffer) => void = () => {};
  onEnded: () => void = () => {};
  #chunks: Buffer[] = [];
  #receivedBytes = 0;
  #insideCall = false;
  #waiting: { done: () => boolean; resolve: () => void }[] = [];

  constructor(wire: Wire) {
    this.wire = wire;
  }

  /** Opens the wire for this recorder; a promise-free start, so that a test may write first. */
  static open(wire: Wire): Recorder {
    const recorder = new Recorder(wire);
    recorder.call(() => wire.open(recorder));
    return recorder;
  }

  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  /** Runs a call on the wire; no call into the handler may come meanwhile. */
  call<T>(run: () => T): T {
    const outer = this.#insideCall;
    this.#insideCall = true;
    try {
      return run();
    } finally {
      this.#insideCall = outer;
    }
  }

  /** Settles when `done` holds; looked at after each call into the handler. */
  until(done: () => boolean): Promise<void> {
    if (done()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ done, resolve }));
  }

  /** Settles when the wire told `event`. */
  async told(event: Event): Promise<void> {
    await this.until(() => this.events.includes(event));
  }

  received(chunk: Buffer): void {
    assert.ok(chunk.length > 0, 'an empty chunk was received');
    assert.ok(!this.events.includes('ended'), 'bytes came after the end');
    this.#enter();
    this.#chunks.push(Buffer.from(chunk));
    this.#receivedBytes += chunk.length;
    this.onReceived(chunk);
    this.#leave();
  }

  ended(): void {
    assert.ok(!this.events.includes('ended'), 'ended twice');
    this.#enter('ended');
    this.onEnded();
    this.#leave();
  }

  drained(): void {
    assert.equal(this.wire.pendingBytes, 0, 'drained with bytes pending');
    this.#enter('drained');
    this.#leave();
  }

  closed(error: Error | undefined): void {
    this.#enter('closed');
    this.error = error;
    this.#leave();
  }

  #enter(event?: Event): void {
    assert.ok(!this.#insideCall, 'the handler was called from inside a call on the wire');
    assert.ok(!this.events.includes('closed'), `${event ?? 'received'} after closed`);
    if (event !== undefined) this.events.push(event);
  }

  #leave(): void {
    const waiting = this.#waiting;
    this.#waiting = waiting.filter(({ done }) => !done());
    for (const entry of waiting) if (!this.#waiting.includes(entry)) entry.resolve();
  }
}
