/** A network in memory whose delays, chunks and accidents come from the dice: two wires to each link. */
import { type Peer, TransportError, type Wire, type WireHandler } from '@dunlin/transport';
import type { SeededRandom } from '../simulation-harness/seeded-random.ts';
import type { VirtualTime } from '../simulation-harness/virtual-time.ts';

export interface LinkOptions {
  /** Mean delay of a chunk in one direction. */
  readonly latencyMs: number;
  /** Bytes that the systems on the way take before `write` returns false. */
  readonly capacityBytes: number;
  /** Whether chunks are cut anywhere, down to single bytes. */
  readonly isSplit: boolean;
}

/** What a world may watch on the broker's end, before the broker hears of it. */
export interface LinkWatcher {
  received(link: Link, chunk: Buffer): void;
  /** The broker has handled the chunk. */
  handled(link: Link): void;
  written(link: Link, bytes: Buffer): void;
  /** The broker closes its end, after all it has written. */
  closing?(link: Link): void;
}

interface Segment {
  bytes: Buffer;
  /** The wire has its own copy; before that the bytes are the writer's and must not change. */
  isCopied: boolean;
}

const LINGER_MS = 3000;
/** Mean number of further chunks that come in one turn. */
const CHUNKS_TOGETHER = 8;
/** Overwrites a chunk that was handled: whoever still reads it gets this. */
const SPENT = 0xee;

export class Link {
  readonly number: number;
  readonly client: WireEnd;
  readonly server: WireEnd;
  readonly time: VirtualTime;
  readonly random: SeededRandom;
  readonly options: LinkOptions;
  readonly watcher: LinkWatcher;
  /** Nothing is carried before this time; Infinity: a peer that vanished. */
  stalledUntilMs = 0;

  constructor(number: number, time: VirtualTime, random: SeededRandom, options: LinkOptions, watcher: LinkWatcher) {
    this.number = number;
    this.time = time;
    this.random = random;
    this.options = options;
    this.watcher = watcher;
    this.client = new WireEnd(this, { address: 'broker', port: 1883 }, false);
    this.server = new WireEnd(this, { address: `link-${number}`, port: number }, true);
    this.client.other = this.server;
    this.server.other = this.client;
  }

  get latencyMs(): number {
    return this.options.latencyMs === 0 ? 0 : this.random.wait(this.options.latencyMs) - 1;
  }

  /** Breaks the connection; each end learns of it in its own time, and what is under way is lost. */
  cut(): void {
    for (const end of [this.client, this.server])
      end.breakLater(this.latencyMs, new TransportError('The connection broke', 'ECONNRESET'));
  }

  /**
   * The process behind the server's end is gone. Without a power cut the system still carries what it had taken, and then
   * says goodbye.
   */
  crash(isPowerCut: boolean): void {
    this.server.forgetOwner();
    if (isPowerCut) this.cut();
    else this.server.close();
  }

  stall(durationMs: number): void {
    this.stalledUntilMs = this.time.nowMs() + durationMs;
  }
}

export class WireEnd implements Wire {
  readonly peer: Peer;
  other!: WireEnd;
  readonly #link: Link;
  readonly #isServer: boolean;
  #handler: WireHandler | undefined;
  /** What this end wrote and the other has not received, oldest first. */
  #segments: Segment[] = [];
  #bytes = 0;
  #sendsNoMore = false;
  #isFull = false;
  /** `drained` is on its way. */
  #isToldLater = false;
  #isPaused = false;
  #isScheduled = false;
  /** Nothing is received or told any more but `closed`. */
  #isOver = false;
  #isBroken = false;
  #isClosedTold = false;
  #endedTold = false;
  /** When this end was last found full. */
  lastFullMs = 0;

  constructor(link: Link, peer: Peer, isServer: boolean) {
    this.#link = link;
    this.peer = peer;
    this.#isServer = isServer;
  }

  get pendingBytes(): number {
    if (this.#isOver || this.other.#isBroken) return 0;
    return Math.max(0, this.#bytes - this.#link.options.capacityBytes);
  }

  /** Full as far as its owner knows. */
  get isFull(): boolean {
    return this.#isFull || this.#isToldLater;
  }

  /** What is written here goes nowhere. */
  get isBroken(): boolean {
    return this.#isBroken || this.#isOver;
  }

  get isClosed(): boolean {
    return this.#isClosedTold;
  }

  open(handler: WireHandler): void {
    this.#handler = handler;
    this.other.#schedule();
  }

  write(bytes: Buffer): boolean {
    if (this.#isOver || this.#sendsNoMore || this.#isBroken) return true;
    if (this.#isServer) this.#link.watcher.written(this.#link, bytes);
    if (bytes.length === 0) return !this.#isFull;
    this.#bytes += bytes.length;
    if (this.pendingBytes === 0) {
      this.#segments.push({ bytes: Buffer.from(bytes), isCopied: true });
      this.#schedule();
      return true;
    }
    this.#segments.push({ bytes, isCopied: false });
    this.#isFull = true;
    this.lastFullMs = this.#link.time.nowMs();
    this.#schedule();
    return false;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.other.#schedule();
  }

  /** Half close: this end sends no more but goes on reading. */
  end(): void {
    this.#sendsNoMore = true;
    this.#schedule();
  }

  close(): void {
    if (this.#isOver) return;
    if (this.#isServer && this.#handler !== undefined) this.#link.watcher.closing?.(this.#link);
    this.#isOver = true;
    this.#sendsNoMore = true;
    this.#copyAll();
    this.#schedule();
    this.#link.time.after(LINGER_MS, () => {
      if (!this.#isClosedTold) this.destroy();
    });
  }

  /** Whoever had this end hears nothing more, and what it still had in its own memory is lost. */
  forgetOwner(): void {
    this.#handler = undefined;
    this.#segments = this.#segments.filter(({ isCopied }) => isCopied);
    this.#bytes = this.#segments.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  destroy(): void {
    this.breakLater(0, undefined);
    this.other.breakLater(this.#link.latencyMs, new TransportError('The connection broke', 'ECONNRESET'));
  }

  breakLater(delayMs: number, error: Error | undefined): void {
    this.#isBroken = true;
    this.#link.time.after(delayMs, () => {
      this.#isOver = true;
      this.#segments = [];
      this.#tellClosed(error);
    });
  }

  #tellClosed(error: Error | undefined): void {
    if (this.#isClosedTold) return;
    this.#isClosedTold = true;
    this.#handler?.closed(error);
    this.#handler = undefined;
  }

  #schedule(): void {
    if (this.#isScheduled || this.#isBroken) return;
    const isEnd = this.#segments.length === 0 && this.#sendsNoMore;
    if (this.#segments.length === 0 && !isEnd) return;
    if (!this.other.#isOver && (this.other.#isPaused || this.other.#handler === undefined)) return;
    this.#isScheduled = true;
    const stalledMs = this.#link.stalledUntilMs - this.#link.time.nowMs();
    if (stalledMs === Number.POSITIVE_INFINITY) return;
    this.#link.time.after(this.#link.latencyMs + Math.max(0, stalledMs), () => this.#carry());
  }

  #carry(): void {
    this.#isScheduled = false;
    if (this.#isBroken || this.other.#isBroken) return;
    if (this.#link.stalledUntilMs > this.#link.time.nowMs()) {
      this.#schedule();
      return;
    }
    if (!this.other.#isOver && this.other.#isPaused) return;
    const isNew = this.#segments.length > 0;
    if (isNew) this.#carryChunks();
    else this.#carryEnd();
    if (isNew) this.#schedule();
  }

  /** Often one chunk; where chunks are cut sometimes many in one turn, as frames and records are that came together. */
  #carryChunks(): void {
    const { random, options } = this.#link;
    this.#carryChunk();
    let more = options.isSplit && random.chance(0.2) ? random.wait(CHUNKS_TOGETHER) : 0;
    for (; more > 0 && this.#segments.length > 0 && !this.#stopsNow(); more--) this.#carryChunk();
  }

  #stopsNow(): boolean {
    return this.#isBroken || this.other.#isBroken || (this.other.#isPaused && !this.other.#isOver);
  }

  #carryChunk(): void {
    const chunk = this.#cutChunk();
    this.#relieve();
    if (this.other.#isOver) return;
    const { watcher } = this.#link;
    if (this.other.#isServer) watcher.received(this.#link, chunk);
    this.other.#handler?.received(chunk);
    if (this.other.#isServer) watcher.handled(this.#link);
    chunk.fill(SPENT);
  }

  #cutChunk(): Buffer {
    const { random, options } = this.#link;
    const limit = Math.min(this.#bytes, 65536);
    const wanted = options.isSplit
      ? Math.min(limit, random.chance(0.2) ? 1 : random.wait(60))
      : random.chance(0.1)
        ? random.between(1, limit)
        : limit;
    const chunk = Buffer.allocUnsafe(wanted);
    let filled = 0;
    while (filled < wanted) {
      const first = this.#segments[0];
      const count = Math.min(wanted - filled, first.bytes.length);
      first.bytes.copy(chunk, filled, 0, count);
      filled += count;
      if (count === first.bytes.length) this.#segments.shift();
      else first.bytes = first.bytes.subarray(count);
    }
    this.#bytes -= wanted;
    return chunk;
  }

  #relieve(): void {
    if (!this.#isFull || this.pendingBytes > 0) return;
    this.#isFull = false;
    this.#isToldLater = true;
    this.#copyAll();
    this.#link.time.after(this.#link.random.below(3), () => {
      this.#isToldLater = false;
      if (this.#isOver || this.#isFull) return;
      this.lastFullMs = this.#link.time.nowMs();
      this.#handler?.drained();
    });
  }

  #copyAll(): void {
    for (const segment of this.#segments) {
      if (segment.isCopied) continue;
      segment.bytes = Buffer.from(segment.bytes);
      segment.isCopied = true;
    }
  }

  #carryEnd(): void {
    const { other } = this;
    if (!other.#isOver && !other.#endedTold) {
      other.#endedTold = true;
      other.#handler?.ended();
    }
    if (this.#isOver) this.#tellClosed(undefined);
  }
}
