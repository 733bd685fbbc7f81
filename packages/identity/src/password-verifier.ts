/** Checks passwords: so many at once, as many in line as can be served, and one that was right costs next to nothing again. */
import { createHmac, createSecretKey, randomBytes, timingSafeEqual } from 'node:crypto';
import { availableParallelism } from 'node:os';
import type { Awaitable, Clock } from '@dunlin/broker';
import { BoundedMap } from './bounded-map.ts';
import type { PasswordHash } from './password-hash.ts';

export interface PasswordVerifierOptions {
  /**
   * Hashes computed at once. Default: one less than there are cores and than libuv has threads (UV_THREADPOOL_SIZE,
   * else 4), at least 1, so that a storm leaves something for connections, files and names.
   */
  readonly concurrentMax?: number;
  /** Hashes that wait for their turn, whatever they cost; who comes then is told `busy`. Default: 1000 for each that is computed. */
  readonly waitingMax?: number;
  /**
   * Milliseconds that one waits at the most. By what hashes have cost lately, whoever would wait longer is told `busy` at
   * once. Default 5000: with the hash itself, less than the chain gives a method and the broker a CONNECT.
   */
  readonly patienceMs?: number;
  /** Default: that of the process. */
  readonly clock?: Pick<Clock, 'steadyMs'>;
  /** Users whose last right password is remembered. Default: 100,000, of 200 bytes each. */
  readonly rememberedMax?: number;
}

/** `busy`: too many wait, or nobody does any longer; nothing was checked. */
export type Verdict = 'right' | 'wrong' | 'busy';

/** Who asks for one hash, by what is aborted when they are gone; undefined for who never is. */
type Askers = (AbortSignal | undefined)[];

/** A hash that is computed or waits. */
interface Flight {
  readonly verdict: Promise<Verdict>;
  readonly askers: Askers;
}

interface Waiting {
  readonly sinceMs: number;
  readonly askers: Askers;
  /** Whether it is served. */
  readonly settle: (isServed: boolean) => void;
}

/** What a hash costs before one was computed, in milliseconds: argon2id as it is written. */
const COST_MS = 25;
/** Hashes over which the cost is averaged. */
const COST_WINDOW = 32;

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
  readonly #patienceMs: number;
  readonly #clock: Pick<Clock, 'steadyMs'>;
  readonly #key = createSecretKey(randomBytes(32));
  readonly #remembered: BoundedMap<Buffer>;
  readonly #flights = new Map<string, Flight>();
  #waiting: Waiting[] = [];
  #running = 0;
  #costMs = COST_MS;

  constructor(options: PasswordVerifierOptions = {}) {
    this.#concurrentMax = options.concurrentMax ?? defaultConcurrentMax();
    this.#waitingMax = options.waitingMax ?? 1_000 * this.#concurrentMax;
    this.#patienceMs = options.patienceMs ?? 5_000;
    this.#clock = options.clock ?? performanceClock;
    this.#remembered = new BoundedMap(options.rememberedMax ?? 100_000);
  }

  /**
   * Whether the password is the one of the hash. `owner` names the user among those of all methods. What waits for its
   * turn is not computed where everybody who asks is `gone`. Rejects where the hash cannot be computed, for want of memory.
   */
  verify(owner: string, hash: PasswordHash, password: Uint8Array, gone?: AbortSignal): Awaitable<Verdict> {
    const digest = this.#digest(owner, hash, password);
    const former = this.#remembered.get(owner);
    if (former !== undefined && timingSafeEqual(former, digest)) {
      this.counts.remembered += 1;
      return 'right';
    }
    return this.#share(digest, hash, password, gone, (verdict) => {
      if (verdict === 'right') this.#remembered.set(owner, digest);
    });
  }

  /** Spends what `verify` would spend on this hash, for a user that nobody knows. `busy` where it is turned away. */
  async pretend(owner: string, hash: PasswordHash, password: Uint8Array, gone?: AbortSignal): Promise<'done' | 'busy'> {
    const verdict = await this.#share(this.#digest(owner, hash, password), hash, password, gone, () => {});
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
    gone: AbortSignal | undefined,
    done: (verdict: Verdict) => void,
  ): Awaitable<Verdict> {
    const name = digest.toString('base64');
    const flight = this.#flights.get(name);
    if (flight !== undefined) {
      flight.askers.push(gone);
      return flight.verdict;
    }
    if (this.#running >= this.#concurrentMax && !this.#hasRoom()) {
      this.counts.refused += 1;
      return 'busy';
    }
    const askers = [gone];
    const verdict = this.#compute(hash, password, askers)
      .then((found) => {
        done(found);
        return found;
      })
      .finally(() => this.#flights.delete(name));
    this.#flights.set(name, { verdict, askers });
    return verdict;
  }

  async #compute(hash: PasswordHash, password: Uint8Array, askers: Askers): Promise<Verdict> {
    // A turn is handed on without `#running` falling, so nobody comes in between.
    if (this.#running < this.#concurrentMax) this.#running += 1;
    else if (!(await this.#turn(askers))) return 'busy';
    this.counts.computed += 1;
    const startedAtMs = this.#clock.steadyMs();
    try {
      return (await hash.matches(password)) ? 'right' : 'wrong';
    } finally {
      this.#learn(this.#clock.steadyMs() - startedAtMs);
      this.#passOn();
    }
  }

  #turn(askers: Askers): Promise<boolean> {
    return new Promise((settle) => this.#waiting.push({ sinceMs: this.#clock.steadyMs(), askers, settle }));
  }

  #hasRoom(): boolean {
    const waiting = this.#waiting.length;
    return waiting < this.#waitingMax && this.#waitMs(waiting + 1) <= this.#patienceMs;
  }

  /** How long it takes until so many are served. */
  #waitMs(hashes: number): number {
    return (hashes * this.#costMs) / this.#concurrentMax;
  }

  /** What is measured first takes the place of the guess. */
  #learn(costMs: number): void {
    this.#costMs += (costMs - this.#costMs) / Math.min(this.counts.computed, COST_WINDOW);
  }

  /**
   * To the next in line whose client is there; those who can no longer be served in time learn it now, since hashes cost
   * more than was thought.
   */
  #passOn(): void {
    const nowMs = this.#clock.steadyMs();
    const waiting: Waiting[] = [];
    for (const one of this.#waiting) {
      const isWanted = one.askers.some((gone) => gone?.aborted !== true);
      if (isWanted && nowMs - one.sinceMs + this.#waitMs(waiting.length) <= this.#patienceMs) waiting.push(one);
      else {
        this.counts.refused += 1;
        one.settle(false);
      }
    }
    this.#waiting = waiting;
    const next = waiting.shift();
    if (next === undefined) this.#running -= 1;
    else next.settle(true);
  }
}

const performanceClock = { steadyMs: () => performance.now() };

function defaultConcurrentMax(): number {
  const threads = Number(process.env.UV_THREADPOOL_SIZE) || 4;
  return Math.max(1, Math.min(availableParallelism(), threads) - 1);
}
