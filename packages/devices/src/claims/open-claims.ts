/** How many claims there are, in all and of each address, and how fast they come: kept beside the table, which would have to be read. */
import type { Clock } from '@dunlin/broker';
import type { ClaimLimits } from '../limits/claim-limits.ts';
import { Attempts } from './attempts.ts';

const MINUTE_MS = 60_000;

/** Which limit lets no further claim begin. */
export type ReachedLimit = 'claimsMax' | 'claimsPerAddressMax' | 'claimsPerMinuteMax';

export class OpenClaims {
  readonly #limits: ClaimLimits;
  readonly #begun: Attempts;
  /** Addresses by code. */
  readonly #codes = new Map<string, string>();
  readonly #ofAddress = new Map<string, number>();

  constructor(clock: Clock, limits: ClaimLimits) {
    this.#limits = limits;
    this.#begun = new Attempts(clock, MINUTE_MS, limits.claimsPerMinuteMax);
  }

  get size(): number {
    return this.#codes.size;
  }

  /** The limit that one more from there would pass; where there is none it counts as begun. */
  reached(address: string): ReachedLimit | undefined {
    const { claimsMax, claimsPerAddressMax } = this.#limits;
    if (this.size >= claimsMax) return 'claimsMax';
    if ((this.#ofAddress.get(address) ?? 0) >= claimsPerAddressMax) return 'claimsPerAddressMax';
    return this.#begun.take(address) ? undefined : 'claimsPerMinuteMax';
  }

  /** False where another claim has the code. */
  add(code: string, address: string): boolean {
    if (this.#codes.has(code)) return false;
    this.#codes.set(code, address);
    this.#ofAddress.set(address, (this.#ofAddress.get(address) ?? 0) + 1);
    return true;
  }

  remove(code: string): void {
    const address = this.#codes.get(code);
    if (address === undefined || !this.#codes.delete(code)) return;
    const left = (this.#ofAddress.get(address) ?? 0) - 1;
    if (left > 0) this.#ofAddress.set(address, left);
    else this.#ofAddress.delete(address);
  }
}
