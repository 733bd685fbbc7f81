/** Whoever asks without a key that counts: how often each host may, and how long a wrong key waits for its answer. */
import type { Clock } from '@dunlin/broker';
import { networkOf } from '@dunlin/transport/network';
import type { ApiLimits, KeyGuard } from './api-parts.ts';
import { ApiProblem } from './problems.ts';
import { RequestRate } from './request-rate.ts';

export interface StrangersParts {
  readonly clock: Clock;
  readonly guard: Pick<KeyGuard, 'failedElsewhere'>;
  readonly limits: Pick<ApiLimits, 'strangerRequestsPerSecondMax' | 'requestsMax'>;
  /** Told of each wait, with what ends it before its time. */
  readonly began: (work: Promise<unknown>, end: () => void) => void;
}

/** Of the requests that there may be at once, how many may wait for the answer to a wrong key. The others are for callers. */
const WAITING_SHARE = 0.25;
/** How many may be of strangers otherwise: their bodies may take long, and hold nobody up who has a key. */
const STRANGERS_SHARE = 0.5;

const OF_STRANGER = 'of this address without an API key that counts';

export class Strangers {
  readonly #parts: StrangersParts;
  readonly #rate: RequestRate;
  readonly #waitingMax: number;
  readonly #max: number;
  #waiting = 0;
  #underWay = 0;

  constructor(parts: StrangersParts) {
    const { clock, limits } = parts;
    this.#parts = parts;
    this.#rate = new RequestRate(clock, limits.strangerRequestsPerSecondMax);
    this.#waitingMax = Math.floor(limits.requestsMax * WAITING_SHARE);
    this.#max = Math.ceil(limits.requestsMax * STRANGERS_SHARE);
  }

  /** Counts a request; what its answer is where it is one too many. All addresses of one host are one. */
  take(address: string): ApiProblem | undefined {
    return this.#rate.take(hostOf(address)) ? undefined : tooMany(OF_STRANGER);
  }

  /** Counts a request for as long as it takes; what its answer is where it is one too many. `over`: has a function called then. */
  enter(address: string, over: (left: () => void) => void): ApiProblem | undefined {
    const refusal = this.take(address);
    if (refusal !== undefined) return refusal;
    if (this.#underWay >= this.#max)
      return new ApiProblem(
        'too-busy',
        `Cannot take more than ${this.#max} requests without an API key at once: try again later`,
      );
    this.#underWay += 1;
    over(() => {
      this.#underWay -= 1;
    });
    return undefined;
  }

  /** What the answer would be if it were one; it is not counted. */
  limited(address: string): ApiProblem | undefined {
    return this.#rate.isWithin(hostOf(address)) ? undefined : tooMany(OF_STRANGER);
  }

  /** Whoever shows a wrong key waits the longer the more often it did. Settles with what the answer is. */
  async refusal(error: unknown, address: string, listener: string): Promise<unknown> {
    const isGuess = error instanceof ApiProblem && error.code === 'key-refused';
    const delayMs = isGuess ? this.#parts.guard.failedElsewhere(address, listener) : 0;
    const limited = this.take(address);
    if (limited !== undefined || delayMs === 0) return limited ?? error;
    if (this.#waiting >= this.#waitingMax) return tooMany('with a wrong API key');
    this.#waiting += 1;
    await this.#pause(delayMs);
    this.#waiting -= 1;
    return error;
  }

  /** Settles when the time is over, or the server stops. */
  #pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#parts.clock.every(ms, resolve);
    this.#parts.began(promise, resolve);
    return promise.finally(() => timer.cancel());
  }
}

function hostOf(address: string): string {
  return networkOf(address) ?? address;
}

export function tooMany(whose: string): ApiProblem {
  return new ApiProblem('too-many-requests', `Cannot take more requests ${whose} in this second: try again later`);
}
