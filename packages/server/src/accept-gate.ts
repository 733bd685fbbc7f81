/** Pauses accepting while the server has as many connections as it may have. */
import type { Clock, Timer } from '@dunlin/broker';
import type { Hold } from './held-listener.ts';

export interface AcceptGateOptions {
  readonly clock: Clock;
  readonly connectionsMax: number;
  /** Connections that are open now. */
  readonly connections: () => number;
  readonly paused: (connections: number) => void;
  readonly resumed: (connections: number) => void;
}

/** How often a paused gate looks for room. */
const lookEveryMs = 50;

/**
 * Pauses every listener when the last free place is taken, and resumes when one is free again.
 *
 * Clients that come meanwhile wait in the backlog, where they cost no memory of the broker; their connect has
 * succeeded already, so for them the server is slow, not gone.
 */
export class AcceptGate {
  readonly #options: AcceptGateOptions;
  readonly #listeners: Hold[] = [];
  #timer: Timer | undefined;

  constructor(options: AcceptGateOptions) {
    this.#options = options;
  }

  get isPaused(): boolean {
    return this.#timer !== undefined;
  }

  add(listener: Hold): void {
    this.#listeners.push(listener);
    if (this.isPaused) listener.pause();
  }

  /** Call after each connection that was let in. */
  letIn(): void {
    const connections = this.#options.connections();
    if (this.isPaused || connections < this.#options.connectionsMax) return;
    for (const listener of this.#listeners) listener.pause();
    this.#timer = this.#options.clock.every(lookEveryMs, () => this.#look());
    this.#options.paused(connections);
  }

  /** The listeners are closed by whoever opened them. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#listeners.length = 0;
  }

  #look(): void {
    const connections = this.#options.connections();
    if (connections >= this.#options.connectionsMax) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#options.resumed(connections);
    for (const listener of this.#listeners) {
      listener.resume();
      // Those that waited may have taken the last place again.
      if (this.isPaused) return;
    }
  }
}
