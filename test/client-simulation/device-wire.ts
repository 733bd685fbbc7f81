/** The client's end of a connection: hands bytes on as the network does, watches them, and breaks at a byte where it is told to. */
import type { Peer, Wire, WireHandler } from '@dunlin/transport';
import type { Link } from '../simulation/network.ts';
import type { WireWatch } from './wire-watch.ts';

export interface WireFate {
  /** Bytes to or from the server after which the connection breaks. */
  breaksAfterBytes: number;
  /** When the server hears that a client has left while nothing is carried, milliseconds. */
  readonly noticedAfterMs: number;
  /** What was written before `destroy` still arrives, as the system of a device may have it in its buffers. */
  readonly lingers: boolean;
}

export class DeviceWire implements Wire {
  readonly #link: Link;
  readonly #watch: WireWatch;
  readonly #fate: WireFate;
  #bytes = 0;
  #handler: WireHandler | undefined;
  /** `close` or `destroy` was called. */
  isLetGo = false;
  #isOver = false;

  constructor(link: Link, watch: WireWatch, fate: WireFate) {
    this.#link = link;
    this.#watch = watch;
    this.#fate = fate;
  }

  /** Nothing more is heard of it. */
  get isClosed(): boolean {
    return this.#isOver || this.#link.client.isClosed;
  }

  get link(): Link {
    return this.#link;
  }

  get peer(): Peer {
    return this.#link.client.peer;
  }

  get pendingBytes(): number {
    return this.#link.client.pendingBytes;
  }

  open(handler: WireHandler): void {
    this.#handler = handler;
    this.#link.client.open({
      received: (chunk) => this.#received(chunk),
      ended: () => this.#handler?.ended(),
      drained: () => this.#handler?.drained(),
      closed: (error) => this.#closed(error),
    });
  }

  write(bytes: Uint8Array): boolean {
    if (this.isLetGo || this.isClosed) return true;
    const given = this.#within(bytes);
    this.#watch.written(bytes);
    const isTaken = this.#link.client.write(Buffer.from(given.buffer, given.byteOffset, given.length));
    if (given.length < bytes.length) this.#link.cut();
    return isTaken;
  }

  pause(): void {
    this.#link.client.pause();
  }

  resume(): void {
    this.#link.client.resume();
  }

  close(): void {
    this.isLetGo = true;
    this.#link.client.close();
  }

  destroy(): void {
    if (this.isLetGo && this.isClosed) return;
    this.isLetGo = true;
    const { client, server, time, stalledUntilMs } = this.#link;
    const isStalled = stalledUntilMs > time.nowMs();
    if (!isStalled) {
      client.destroy();
      return;
    }
    // Neither end hears of the other: the client is done with it at once, the server when something tells it.
    if (this.#fate.lingers) {
      client.forgetOwner();
      client.close();
      time.after(0, () => this.#closed(undefined));
    } else client.breakLater(0, undefined);
    time.after(this.#fate.noticedAfterMs, () => server.breakLater(0, new Error('The peer is gone')));
  }

  /** No accident is to come any more. */
  calm(): void {
    this.#fate.breaksAfterBytes = Number.POSITIVE_INFINITY;
  }

  /** The process of this end is gone: a power cut tells nobody, otherwise the system sends what it had and ends. */
  crash(isPowerCut: boolean): void {
    this.#handler = undefined;
    this.isLetGo = true;
    this.#isOver = true;
    this.#link.client.forgetOwner();
    if (isPowerCut) this.#link.stall(Number.POSITIVE_INFINITY);
    else this.#link.client.close();
  }

  #received(chunk: Uint8Array): void {
    const given = this.#within(chunk);
    if (given.length > 0) {
      if (!this.isLetGo) this.#watch.received(given);
      this.#handler?.received(given);
    }
    if (given.length < chunk.length) this.#link.cut();
  }

  /** As many bytes as the connection still carries. */
  #within(bytes: Uint8Array): Uint8Array {
    const left = Math.max(0, this.#fate.breaksAfterBytes - this.#bytes);
    this.#bytes += bytes.length;
    return bytes.length <= left ? bytes : bytes.subarray(0, left);
  }

  #closed(error: Error | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#handler?.closed(error);
    this.#handler = undefined;
  }
}
