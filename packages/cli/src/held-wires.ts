/** Wires that are held back together, so that what comes waits at the server while nobody reads the output. */

import type { ClientWire, Dial } from '@dunlin/client';
import type { WireHandler } from '@dunlin/transport';
import type { Source } from './terminal.ts';

/** How often a held wire tells its owner that it is there. */
const SIGN_MS = 1000;
const NOTHING = new Uint8Array(0);

/** The wires of the clients that it dialed for. */
export class HeldWires implements Source {
  readonly #wires = new Set<HeldWire>();

  /** Holds back the wires that there are; those which come later only when it is called again. */
  hold(): void {
    for (const wire of this.#wires) wire.hold();
  }

  release(): void {
    for (const wire of this.#wires) wire.release();
  }

  /** The same way to dial, to wires that can be held back. */
  dialing(dial: Dial): Dial {
    return async (wanted) => {
      const wire: HeldWire = new HeldWire(await dial(wanted), () => this.#wires.delete(wire));
      this.#wires.add(wire);
      return wire;
    };
  }
}

/** Reads from a wire unless its owner has paused it or it is held back. */
class HeldWire implements ClientWire, WireHandler {
  readonly #wire: ClientWire;
  readonly #gone: () => void;
  #handler: WireHandler | undefined;
  #isPaused = false;
  #signs: NodeJS.Timeout | undefined;

  constructor(wire: ClientWire, gone: () => void) {
    this.#wire = wire;
    this.#gone = gone;
  }

  hold(): void {
    if (this.#signs !== undefined) return;
    this.#wire.pause();
    // The answers to PINGREQ wait behind what is held back: the client would take the server for dead.
    this.#signs = setInterval(() => this.#handler?.received(NOTHING), SIGN_MS);
  }

  release(): void {
    if (this.#signs === undefined) return;
    this.#endSigns();
    if (!this.#isPaused) this.#wire.resume();
  }

  open(handler: WireHandler): void {
    this.#handler = handler;
    this.#wire.open(this);
  }

  write(bytes: Uint8Array): boolean {
    return this.#wire.write(bytes);
  }

  pause(): void {
    this.#isPaused = true;
    this.#wire.pause();
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#signs === undefined) this.#wire.resume();
  }

  close(): void {
    this.#endSigns();
    this.#wire.close();
  }

  destroy(): void {
    this.#endSigns();
    this.#wire.destroy();
  }

  received(chunk: Uint8Array): void {
    this.#handler?.received(chunk);
  }

  ended(): void {
    this.#handler?.ended();
  }

  drained(): void {
    this.#handler?.drained();
  }

  closed(error: Error | undefined): void {
    this.#endSigns();
    this.#gone();
    this.#handler?.closed(error);
  }

  #endSigns(): void {
    clearInterval(this.#signs);
    this.#signs = undefined;
  }
}
