/** Checks passwords: so many at once, so many in line, and one that was right costs next to nothing the next time. */
import { createHmac, createSecretKey, randomBytes, timingSafeEqual } from 'node:crypto';
import { availableParallelism } from 'node:os';
import type { Awaitable } from '@dunlin/broker';
import { BoundedMap } from './bounded-map.ts';
import type { PasswordHash } from './password-hash.ts';

export interface PasswordVerifierOptions {
  /**
   * Hashes computed at once. Default: one less than there are cores and than libuv has threads (UV_THREADPOOL_SIZE,
   * else 4), at least 1, so that a storm leaves something for connections, files and names.
   */
  readonly concurrentMax?: number;
  /**
   * Hashes that wait for their turn; who comes then is told `busy`. Default: 200 for each that is computed, which takes 5 s
   * with argon2id as it is written: who waits is served before the broker's `connectTimeoutMs` is over.
   */
  readonly waitingMax?: number;
  /** Users whose last right password is remembered. Default: 100,000, of 200 bytes each. */
  readonly rememberedMax?: number;
}

/** `busy`: too many wait, nothing was checked. */
export type Verdict = 'right' | 'wrong' | 'busy';

/**
 * One for all methods of a server, since it bounds what they cost together.
 *
 * A right password is remembered as an HMAC under a key that only this process has, bound to its user and its hash. A
 * wrong one is never remembered. Who asks the same at the same time shares one hash.
 */
export class PasswordVerifier {
  /** Hashes computed; answers given from memory; questions turned away. */
  readonly counts = { computed: 0, remembered: 0, refused: 0 };
  readonly #concurrentMax: number;
  readonly #waitingMax: number;
  readonly #key = createSecretKey(randomBytes(32));
  readonly #remembered: BoundedMap<Buffer>;
  readonly #flights = new Map<string, Promise<Verdict>>();
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(options: PasswordVerifierOptions = {}) {
    this.#concurrentMax = options.concurrentMax ?? defaultConcurrentMax();
    this.#waitingMax = options.waitingMax ?? 200 * this.#concurrentMax;
    this.#remembered = new BoundedMap(options.rememberedMax ?? 100_000);
  }

  /**
   * Whether the password is the one of the hash. `owner` names the user among those of all methods. Rejects where the
   * hash cannot be computed, for want of memory.
   */
  verify(owner: string, hash: PasswordHash, password: Uint8Array): Awaitable<Verdict> {
    const digest = this.#digest(owner, hash, password);
    const former = this.#remembered.get(owner);
    if (former !== undefined && timingSafeEqual(former, digest)) {
      this.counts.remembered += 1;
      return 'right';
    }
    return this.#share(digest, hash, password, (verdict) => {
      if (verdict === 'right') this.#remembered.set(owner, digest);
    });
  }

  /** Spends what `verify` would spend on this hash, for a user that nobody knows. `busy` where it is turned away. */
  async pretend(owner: string, hash: PasswordHash, password: Uint8Array): Promise<'done' | 'busy'> {
    const verdict = await this.#share(this.#digest(owner, hash, password), hash, password, () => {});
    return verdict === 'busy' ? 'busy' : 'done';
  }

  /** The user was removed, disabled or has another password. */
  forget(owner: string): void {
    this.#remembered.delete(owner);
  }

  #digest(owner: string, hash: PasswordHash, password: Uint8Array): Buffer {
    // No user name of MQTT and no hash holds a zero character, so nothing else gives the same text.
    return createHmac('sha256', this.#key).update(`${owner}\0${hash.text}\0`).update(password).digest();
  }

  #share(
    digest: Buffer,
    hash: PasswordHash,
    password: Uint8Array,
    done: (verdict: Verdict) => void,
  ): Awaitable<Verdict> {
    const name = digest.toString('base64');
    const flight = this.#flights.get(name);
    if (flight !== undefined) return flight;
    if (this.#running >= this.#concurrentMax && this.#waiting.length >= this.#waitingMax) {
      this.counts.refused += 1;
      return 'busy';
    }
    const started = this.#compute(hash, password)
      .then((verdict) => {
        done(verdict);
        return verdict;
      })
      .finally(() => this.#flights.delete(name));
    this.#flights.set(name, started);
    return started;
  }

  async #compute(hash: PasswordHash, password: Uint8Array): Promise<Verdict> {
    // A turn is handed on without `#running` falling, so nobody comes in between.
    if (this.#running < this.#concurrentMax) this.#running += 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      this.counts.computed += 1;
      return (await hash.matches(password)) ? 'right' : 'wrong';
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}

function defaultConcurrentMax(): number {
  const threads = Number(process.env.UV_THREADPOOL_SIZE) || 4;
  return Math.max(1, Math.min(availableParallelism(), threads) - 1);
}
