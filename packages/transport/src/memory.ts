/** Two wires joined inside one process: what one writes the other receives, in turns that the caller gives. */

import { TransportError } from './errors.ts';
import type { Peer, Wire, WireHandler } from './wire.ts';

/** How a pair of memory wires behaves; every field may be left out. */
export interface MemoryOptions {
  /**
   * Bytes that wait unread at the other end before `write` returns false, as if it were the buffer of the operating
   * system. Default 65536.
   */
  readonly highWaterBytes?: number;
  /**
   * Cuts what was written into the chunks that are received: given the bytes left of one write, returns how many the
   * next chunk has (1 to `length`); each chunk then comes in a turn of its own. Default: one write, one chunk.
   */
  readonly chunkBytes?: (length: number) => number;
  /** Who each end sees, in the order of the pair. Default: address `memory`, port 0. */
  readonly peers?: readonly [Peer, Peer];
}

/** A wire in memory, which a test can also break. */
export interface MemoryWire extends Wire {
  /** Breaks the wire: this end is told `error`, the other end ECONNRESET; bytes under way are lost. */
  fail(error: Error): void;
}

/**
 * Makes two joined wires. `defer` runs a function in a later turn, in the order given (`setImmediate`,
 * `queueMicrotask`, or a simulation's own): every call into a handler comes from there, and no timer is ever set. Bytes
 * are copied by `write`, so the caller may use its buffer again even where `write` returns false. `close` does not
 * linger: the end that closes is told `closed` in the next turn, the other receives the rest, `ended` and then
 * `closed`. After `destroy` the other end is told `closed` with ECONNRESET.
 */
export function memoryPair(defer: (run: () => void) => void, options: MemoryOptions = {}): [MemoryWire, MemoryWire] {
  const left = new MemoryEnd(defer, options, options.peers?.[0]);
  const right = new MemoryEnd(defer, options, options.peers?.[1]);
  left.join(right);
  right.join(left);
  return [left, right];
}

const MEMORY_PEER: Peer = { address: 'memory', port: 0 };

class MemoryEnd implements MemoryWire {
  readonly peer: Peer;
  readonly #defer: (run: () => void) => void;
  readonly #highWaterBytes: number;
  readonly #chunkBytes: ((length: number) => number) | undefined;
  #other!: MemoryEnd;
  #handler: WireHandler | undefined;
  /** What the other end wrote and this end has not received. */
  #inbox: Buffer[] = [];
  #inboxBytes = 0;
  #paused = false;
  /** The other end has closed: `ended` and `closed` follow the inbox. */
  #inboxEnds = false;
  #endedTold = false;
  /** This end waits for `drained`. */
  #full = false;
  /** `close`, `destroy` or a failure: nothing is received or sent any more. */
  #over = false;
  #closedTold = false;
  #error: Error | undefined;
  #turnAsked = false;

  constructor(defer: (run: () => void) => void, options: MemoryOptions, peer: Peer = MEMORY_PEER) {
    this.peer = peer;
    this.#defer = defer;
    this.#highWaterBytes = options.highWaterBytes ?? 65536;
    this.#chunkBytes = options.chunkBytes;
  }

  join(other: MemoryEnd): void {
    this.#other = other;
  }

  get pendingBytes(): number {
    if (this.#over) return 0;
    return Math.max(0, this.#other.#inboxBytes - this.#highWaterBytes);
  }

  open(handler: WireHandler): void {
    this.#handler = handler;
    this.#askTurn();
  }

  write(bytes: Uint8Array): boolean {
    if (this.#over || this.#other.#over) return true;
    if (bytes.length > 0) this.#other.#take(Buffer.from(bytes));
    this.#full = this.pendingBytes > 0;
    return !this.#full;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#askTurn();
  }

  close(): void {
    if (this.#over) return;
    this.#end(undefined);
    this.#other.#inboxEnds = true;
    this.#other.#askTurn();
  }

  destroy(): void {
    this.#break(undefined);
  }

  fail(error: Error): void {
    this.#break(error);
  }

  #break(error: Error | undefined): void {
    const closedBefore = this.#over;
    this.#end(error);
    // After a close the rest is already on its way to the other end and stays so.
    if (closedBefore || this.#other.#over) return;
    this.#other.#end(new TransportError('The connection broke', 'ECONNRESET'));
  }

  #end(error: Error | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#error = error;
    this.#inbox = [];
    this.#inboxBytes = 0;
    this.#askTurn();
  }

  #take(bytes: Buffer): void {
    this.#inbox.push(bytes);
    this.#inboxBytes += bytes.length;
    this.#askTurn();
  }

  #askTurn(): void {
    if (this.#turnAsked || this.#closedTold || this.#handler === undefined) return;
    this.#turnAsked = true;
    this.#defer(() => this.#turn());
  }

  #turn(): void {
    this.#turnAsked = false;
    // What is written while this runs belongs to a later turn.
    let chunks = this.#chunkBytes === undefined ? this.#inbox.length : Math.min(1, this.#inbox.length);
    for (; chunks > 0 && !this.#paused && !this.#over; chunks -= 1) this.#receiveOne();
    this.#other.#relieve();
    if (this.#over) {
      this.#tellClosed();
      return;
    }
    if (this.#paused) return;
    if (this.#inbox.length > 0) {
      this.#askTurn();
      return;
    }
    if (this.#inboxEnds) this.#tellEnded();
  }

  #receiveOne(): void {
    const first = this.#inbox[0];
    const length = Math.max(1, this.#chunkBytes?.(first.length) ?? first.length);
    const whole = length >= first.length;
    if (whole) this.#inbox.shift();
    else this.#inbox[0] = first.subarray(length);
    const chunk = whole ? first : first.subarray(0, length);
    this.#inboxBytes -= chunk.length;
    this.#handler?.received(chunk);
  }

  /** Tells this end, which found the other one full, that there is room again. */
  #relieve(): void {
    if (!this.#full || this.#over || this.pendingBytes > 0) return;
    this.#full = false;
    this.#handler?.drained();
  }

  #tellEnded(): void {
    if (!this.#endedTold) {
      this.#endedTold = true;
      this.#handler?.ended();
    }
    // Both directions of the other end are gone, so there is nothing left that this end could be open for.
    this.#end(undefined);
  }

  #tellClosed(): void {
    if (this.#closedTold) return;
    this.#closedTold = true;
    this.#handler?.closed(this.#error);
    this.#handler = undefined;
  }
}
