/** Holds what a client tells of its life against the table of its states and the bounds of its back-off. */
import type { Client, ClientState, CloseReason, ReconnectingInfo } from '@dunlin/client';
import type { ClientJudge } from './invariants.ts';

const NEXT: Readonly<Record<ClientState, readonly ClientState[]>> = {
  disconnected: ['connecting'],
  connecting: ['connected', 'disconnected'],
  connected: ['reconnecting', 'disconnected'],
  reconnecting: ['connected', 'disconnected'],
};

/** Codes that say that one side broke the protocol. */
const FAULTS: readonly string[] = [
  'protocol-error',
  'malformed-packet',
  'topic-alias-invalid',
  'receive-maximum-exceeded',
  'invalid',
];

export interface LifeBounds {
  readonly minMs: number;
  readonly maxMs: number;
  readonly heldMs: number;
}

export class LifeWatch {
  readonly #client: Client;
  readonly #label: string;
  readonly #judge: ClientJudge;
  readonly #bounds: LifeBounds;
  readonly #nowMs: () => number;
  #state: ClientState = 'disconnected';
  /** `connected` was told, and not yet `disconnected`. */
  #isUp = false;
  #upAtMs = 0;
  /** Since a connection held. */
  #waits = 0;
  /** No attempt may begin before. */
  #notBeforeMs = 0;

  constructor(client: Client, label: string, judge: ClientJudge, bounds: LifeBounds, nowMs: () => number) {
    this.#client = client;
    this.#label = label;
    this.#judge = judge;
    this.#bounds = bounds;
    this.#nowMs = nowMs;
    client.on('state', (state, reason) => this.#changed(state, reason));
    client.on('connected', () => this.#upped(true));
    client.on('disconnected', () => this.#upped(false));
    client.on('reconnecting', (info) => this.#waiting(info));
  }

  /** An attempt begins. */
  dialling(): void {
    const { state } = this.#client;
    this.#judge.check(
      state === 'connecting' || state === 'reconnecting',
      'states',
      () => `${this.#label} dials while it is ${state}`,
    );
    this.#judge.check(
      this.#nowMs() >= this.#notBeforeMs,
      'back-off',
      () => `${this.#label} dials ${this.#notBeforeMs - this.#nowMs()} ms before it said`,
    );
  }

  #changed(state: ClientState, reason: CloseReason | undefined): void {
    const before = this.#state;
    this.#state = state;
    // Whoever calls `connect` anew does not wait.
    if (state === 'connecting') this.#notBeforeMs = 0;
    this.#judge.check(
      NEXT[before].includes(state) && this.#client.state === state,
      'states',
      () => `${this.#label} tells ${state} behind ${before} and is ${this.#client.state}`,
    );
    const isDown = state === 'reconnecting' || state === 'disconnected';
    this.#judge.check(
      isDown === (reason !== undefined) && this.#client.reason === reason,
      'states',
      () => `${this.#label} is ${state} with the reason ${reason?.by}`,
    );
    const { error } = reason ?? {};
    this.#judge.check(
      error === undefined || !FAULTS.includes(error.code),
      'good-behaviour',
      () => `${this.#label} is ${state}: ${error?.stack}`,
    );
  }

  #upped(isUp: boolean): void {
    this.#judge.check(this.#isUp !== isUp, 'states', () => `${this.#label} tells the same of its connection twice`);
    this.#isUp = isUp;
    if (isUp) this.#upAtMs = this.#nowMs();
    else if (this.#nowMs() - this.#upAtMs >= this.#bounds.heldMs) this.#waits = 0;
  }

  #waiting({ attempt, delayMs }: ReconnectingInfo): void {
    const { minMs, maxMs } = this.#bounds;
    const boundMs = Math.min(maxMs, minMs * 2 ** this.#waits);
    this.#waits += 1;
    this.#judge.check(
      delayMs >= 0 && delayMs <= boundMs,
      'back-off',
      () => `${this.#label} waits ${delayMs} ms for attempt ${attempt}, at most ${boundMs} are right`,
    );
    this.#notBeforeMs = this.#nowMs() + delayMs;
  }
}
