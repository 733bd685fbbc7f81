/** Against guessing: who fails is delayed more and more, and kept out for a while by address and by address with user. */

import { createHash } from 'node:crypto';
import type {
  AuthenticationRequest,
  AuthenticationResult,
  Authenticator,
  Awaitable,
  Clock,
  Refusal,
} from '@dunlin/broker';
import { quoted, ReasonCode } from '@dunlin/protocol';
import { networkOf } from '@dunlin/transport/network';
import { readTrustedAddresses, type TrustedAddresses } from '@dunlin/transport/proxy';
import { BanList } from './ban-list.ts';
import { BoundedMap } from './bounded-map.ts';
import { Places } from './places.ts';
import { usernameOfClientFirst } from './scram-message.ts';
import { WindowedCounts } from './windowed-counts.ts';

/** Who is kept out: an address, or a user name at an address. */
export interface Ban {
  /** An IPv4 address, or a /64 of IPv6. */
  readonly address: string;
  /** A name of more than 64 bytes stands as its SHA-256. */
  readonly username: string | undefined;
}

/**
 * `listener`: where the last of the failures was. `banAdded`: by `ban`. `banLifted`: by `lift`; of a ban that ends by itself
 * nothing is told.
 */
export type AttemptEvent =
  | ({
      readonly name: 'addressBanned' | 'userAtAddressBanned';
      readonly listener: string;
      readonly failures: number;
      readonly banMs: number;
    } & Ban)
  | ({ readonly name: 'banAdded'; readonly banMs: number } & Ban)
  | ({ readonly name: 'banLifted' } & Ban);

export interface AttemptOptions {
  readonly clock: Clock;
  /** Failures count together that come within so many milliseconds of their first. Default: 10 minutes. */
  readonly windowMs?: number;
  /** Failures of one user name, from wherever, before the next attempt is delayed. Default: 5. */
  readonly userDelayAfter?: number;
  /** Failures of one address before the next attempt is delayed. Default: 20. */
  readonly addressDelayAfter?: number;
  /** The first delay; each failure doubles it. Default: 250 ms. */
  readonly delayMs?: number;
  /** No delay, and no wait for others to be checked, is longer. Default: 4 s. */
  readonly delayMsMax?: number;
  /**
   * From the attempt to its answer, delay and waits included; who has none by then is refused. Below the broker's
   * `connectTimeoutMs`, so that the client still learns why. Default: 9 s.
   */
  readonly answerMsMax?: number;
  /** Attempts that are delayed or wait for others to be checked, at once; who comes then is refused. Default: 10,000. */
  readonly delayedMax?: number;
  /** The same of one address, and of all together that stand for many. Default: 1,000. */
  readonly delayedPerAddressMax?: number;
  /** Failures of one user name at one address before the two together are banned. Default: 10. */
  readonly userAtAddressBanAfter?: number;
  /** Failures of one address before it is banned. Default: 100. */
  readonly addressBanAfter?: number;
  /** Default: 15 minutes. */
  readonly banMs?: number;
  /** Entries of each table. Default: 50,000. */
  readonly entriesMax?: number;
  /**
   * Addresses and ranges that stand for many, as `readTrustedAddresses` reads them: they are neither banned nor delayed, only user names there are
   * delayed. What is no IP address counts as such too. Default: loopback, since a proxy that says nothing of its clients
   * has it.
   */
  readonly trusted?: readonly string[];
  readonly tell?: (event: AttemptEvent) => void;
}

/** `listener`: where it began; undefined for one of `ban`. */
export type CurrentBan = Ban & { readonly listener: string | undefined; readonly endsInMs: number };

/** One account of attempts, for as many Authenticators as stand behind it. */
export interface AttemptGuard {
  /** The Authenticator with this guard before it. */
  before(authenticator: Authenticator): Authenticator;
  /** Whether nobody at the address is let in, so that a listener may drop it at once. */
  isBanned(address: string): boolean;
  bans(): CurrentBan[];
  /**
   * Counts a wrong secret that was shown elsewhere than at CONNECT, such as an API key, as a failure of its address alone.
   * Returns for how many milliseconds the answer to it is to wait.
   */
  failedElsewhere(address: string, listener: string): number;
  /**
   * Keeps an address out, or a user name there, whatever came from it, for `banMs` (default: as long as any ban); in place of
   * the ban that is there. Whoever is connected stays. Throws a RangeError for what is no IP address, and for one that is
   * trusted.
   */
  ban(address: string, username?: string, banMs?: number): void;
  /** Ends the ban of an address, or of a user name there; false where there is none. */
  lift(address: string, username?: string): boolean;
}

/**
 * A guard to put before the Authenticators of a server: what fails at one of its listeners counts at all, or each would
 * give as many guesses again.
 *
 * A failure is a refusal with 0x86: credentials that are right but do not suffice are no guesses. A user name alone is
 * never banned, else anyone could lock any device out; its delay does not hold where the user was let in before. A
 * success forgets the failures of its user, there and in general, where the name shown is the one that was proved and all
 * of them were at the same listener: at another one the name may be that of somebody else. It does not forget those of its
 * address: whoever has one account could guess others without end. A ban of user and address
 * comes long before that of the address, so that one device with an old password does not lock out those beside it. No
 * more attempts are checked at once, of an address and of a user there, than may fail before the ban: the others wait, so
 * that a burst gets no more guesses than a sequence. A client without User Name that comes by SCRAM counts as the user
 * whom its first message names. Throws a RangeError for a trusted network that is none.
 */
export function attemptGuard(options: AttemptOptions): AttemptGuard {
  return new Guard(options);
}

export const DEFAULTS = {
  windowMs: 600_000,
  userDelayAfter: 5,
  addressDelayAfter: 20,
  delayMs: 250,
  delayMsMax: 4_000,
  answerMsMax: 9_000,
  delayedMax: 10_000,
  delayedPerAddressMax: 1_000,
  userAtAddressBanAfter: 10,
  addressBanAfter: 100,
  banMs: 900_000,
  entriesMax: 50_000,
  trusted: ['127.0.0.0/8', '::1/128'],
};

/** Checked at once of an address however near its ban is, so that many devices behind it do not come in one by one. */
const addressUnderWayMin = 16;

/** In place of an address, where attempts that are delayed are counted. */
const STANDS_FOR_MANY = '';

/** Who attempts, as the tables know them. */
interface Attempt {
  readonly listener: string;
  /** Undefined where the address stands for many. */
  readonly address: string | undefined;
  readonly user: string | undefined;
  /** Both; undefined where one is missing. */
  readonly pair: string | undefined;
  /** The address, where the attempt takes one of its places. */
  readonly line: string | undefined;
}

/** State of an exchange: who began it, and the state of whom is guarded. */
interface Exchange {
  readonly attempt: Attempt;
  readonly state: unknown;
}

class Guard implements AttemptGuard {
  readonly #options: AttemptOptions & Readonly<Required<Omit<AttemptOptions, 'tell'>>>;
  readonly #trusted: TrustedAddresses;
  readonly #byUser: WindowedCounts;
  readonly #byAddress: WindowedCounts;
  readonly #byPair: WindowedCounts;
  readonly #bans: BanList<Ban & { readonly listener: string | undefined }>;
  /** Users at addresses where they were let in, by listener. */
  readonly #familiar: BoundedMap<true>;
  readonly #pairsUnderWay: Places;
  readonly #addressesUnderWay: Places;
  /** Attempts that are delayed or wait, by address. */
  readonly #delayed: Places;
  #delayedCount = 0;

  constructor(options: AttemptOptions) {
    const given = Object.entries(options).filter(([, value]) => value !== undefined);
    const all = { ...DEFAULTS, ...(Object.fromEntries(given) as unknown as AttemptOptions) };
    this.#options = all;
    this.#trusted = readTrustedAddresses(all.trusted);
    const counts = (): WindowedCounts => new WindowedCounts(all.clock, all.windowMs, all.entriesMax);
    [this.#byUser, this.#byAddress, this.#byPair] = [counts(), counts(), counts()];
    this.#bans = new BanList(all.clock, all.banMs, all.entriesMax);
    this.#familiar = new BoundedMap(all.entriesMax);
    this.#delayed = new Places(all.clock, () => all.delayedPerAddressMax);
    // Whoever waits while the ban begins is let go at once, to be refused.
    const left = (counted: WindowedCounts, most: number, key: string): number =>
      this.#bans.has(key) ? Infinity : most - counted.get(key);
    this.#pairsUnderWay = new Places(all.clock, (pair) =>
      Math.max(1, left(this.#byPair, all.userAtAddressBanAfter, pair)),
    );
    this.#addressesUnderWay = new Places(all.clock, (address) =>
      Math.max(addressUnderWayMin, left(this.#byAddress, all.addressBanAfter, address)),
    );
  }

  before(inner: Authenticator): Authenticator {
    return {
      supports: (method) => inner.supports(method),
      authenticate: (request) => this.#authenticate(inner, request),
      review: (...who) => inner.review?.(...who),
    };
  }

  #authenticate(inner: Authenticator, request: AuthenticationRequest): Awaitable<AuthenticationResult> {
    const attempt = this.#attempt(request);
    const refusal = this.#refusal(attempt);
    if (refusal !== undefined) return refusal;
    // An exchange under way was delayed when it began.
    const delayMs = request.state === undefined ? this.#delayMs(attempt) : 0;
    if (delayMs === 0 && this.#enter(attempt)) return this.#ask(inner, request, attempt, this.#options.answerMsMax);
    return this.#askLater(inner, request, attempt, delayMs);
  }

  isBanned(address: string): boolean {
    const key = this.#addressOf(address);
    return key !== undefined && this.#bans.has(key);
  }

  bans(): CurrentBan[] {
    return this.#bans.list();
  }

  failedElsewhere(text: string, listener: string): number {
    const address = this.#addressOf(text);
    const attempt = { listener, address, user: undefined, pair: undefined, line: undefined };
    const delayMs = this.#delayMs(attempt);
    this.#failed(attempt);
    return delayMs;
  }

  ban(address: string, username?: string, banMs: number = this.#options.banMs): void {
    const plain = address.replace(/\/64$/, '');
    if (networkOf(plain) === undefined)
      throw new RangeError(`Cannot ban ${quoted(address)}: an IP address is expected`);
    const key = this.#addressOf(plain);
    if (key === undefined)
      throw new RangeError(
        `Cannot ban ${quoted(address)}: it stands for many clients, one that is not trusted is expected`,
      );
    const user = username === undefined ? undefined : shortened(username);
    const ban: Ban = { address: key, username: user };
    this.#bans.add(user === undefined ? key : pairOf(key, user), { ...ban, listener: undefined }, banMs);
    this.#options.tell?.({ name: 'banAdded', ...ban, banMs });
  }

  lift(address: string, username?: string): boolean {
    const key = networkOf(address.replace(/\/64$/, '')) ?? address;
    const user = username === undefined ? undefined : shortened(username);
    const isLifted = this.#bans.lift(user === undefined ? key : pairOf(key, user));
    if (isLifted) this.#options.tell?.({ name: 'banLifted', address: key, username: user });
    return isLifted;
  }

  #askLater(
    inner: Authenticator,
    request: AuthenticationRequest,
    attempt: Attempt,
    delayMs: number,
  ): Awaitable<AuthenticationResult> {
    const address = attempt.address ?? STANDS_FOR_MANY;
    if (this.#delayedCount >= this.#options.delayedMax || !this.#delayed.take(address)) return BUSY;
    const endsAtMs = this.#options.clock.steadyMs() + this.#options.answerMsMax;
    this.#delayedCount += 1;
    const entered = this.#waitAndEnter(attempt, delayMs, endsAtMs, request.gone).finally(() => {
      this.#delayedCount -= 1;
      this.#delayed.giveBack(address);
    });
    return entered.then((mayEnter) => this.#askNow(inner, request, attempt, mayEnter, endsAtMs));
  }

  async #waitAndEnter(attempt: Attempt, delayMs: number, endsAtMs: number, gone: AbortSignal): Promise<boolean> {
    const { clock, delayMsMax } = this.#options;
    if (delayMs > 0) await this.#pause(delayMs, gone);
    if (gone.aborted) return false;
    return this.#enterLater(attempt, Math.min(clock.steadyMs() + delayMsMax, endsAtMs), gone);
  }

  #askNow(
    inner: Authenticator,
    request: AuthenticationRequest,
    attempt: Attempt,
    hasEntered: boolean,
    endsAtMs: number,
  ): Awaitable<AuthenticationResult> {
    if (!hasEntered) return request.gone.aborted ? GONE : BUSY;
    // Others that waited beside it may have failed meanwhile.
    const refusal = this.#refusal(attempt);
    if (refusal === undefined) return this.#ask(inner, request, attempt, endsAtMs - this.#options.clock.steadyMs());
    this.#leave(attempt);
    return refusal;
  }

  /** Settles when the time is over, or the client gone. */
  #pause(delayMs: number, gone: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const over = (): void => {
        timer.cancel();
        gone.removeEventListener('abort', over);
        resolve();
      };
      const timer = this.#options.clock.every(delayMs, over);
      gone.addEventListener('abort', over);
    });
  }

  /** Asks for who has entered, and has it leave; an answer that comes too late counts, and lets nobody in. */
  #ask(
    inner: Authenticator,
    request: AuthenticationRequest,
    attempt: Attempt,
    answerMsMax: number,
  ): Awaitable<AuthenticationResult> {
    let result: Awaitable<AuthenticationResult> | undefined;
    try {
      result = inner.authenticate({ ...request, state: (request.state as Exchange | undefined)?.state });
      if (!(result instanceof Promise)) return this.#count(attempt, result);
    } finally {
      if (!(result instanceof Promise)) this.#leave(attempt);
    }
    const counted = result.then((settled) => this.#count(attempt, settled)).finally(() => this.#leave(attempt));
    return new Promise((resolve, reject) => {
      const timer = this.#options.clock.every(answerMsMax, () => {
        timer.cancel();
        resolve(LATE);
      });
      counted.finally(() => timer.cancel()).then(resolve, reject);
    });
  }

  /** Counts the attempt as under way; false where too many are. */
  #enter({ line, pair }: Attempt): boolean {
    if (pair !== undefined && !this.#pairsUnderWay.take(pair)) return false;
    if (line === undefined || this.#addressesUnderWay.take(line)) return true;
    if (pair !== undefined) this.#pairsUnderWay.giveBack(pair);
    return false;
  }

  async #enterLater({ line, pair }: Attempt, untilMs: number, gone: AbortSignal): Promise<boolean> {
    const leftMs = (): number => untilMs - this.#options.clock.steadyMs();
    if (pair !== undefined && !(await this.#pairsUnderWay.wait(pair, leftMs(), gone))) return false;
    if (line === undefined || (await this.#addressesUnderWay.wait(line, leftMs(), gone))) return true;
    if (pair !== undefined) this.#pairsUnderWay.giveBack(pair);
    return false;
  }

  #leave({ line, pair }: Attempt): void {
    if (pair !== undefined) this.#pairsUnderWay.giveBack(pair);
    if (line !== undefined) this.#addressesUnderWay.giveBack(line);
  }

  #count(attempt: Attempt, result: AuthenticationResult): AuthenticationResult {
    if (result.kind === 'challenge') return { ...result, state: { attempt, state: result.state } satisfies Exchange };
    if (result.kind === 'accept') this.#succeeded(attempt, result.principal.username);
    else if (result.reasonCode === ReasonCode.badUserNameOrPassword) this.#failed(attempt);
    return result;
  }

  #succeeded({ listener, user, pair }: Attempt, proved: string | undefined): void {
    // Who comes in by a token or certificate of its own may show the name of anybody.
    if (user === undefined || proved === undefined || shortened(proved) !== user) return;
    this.#byUser.resetOf(user, listener);
    if (pair === undefined) return;
    this.#byPair.resetOf(pair, listener);
    this.#familiar.set(familiarOf(pair, listener), true);
  }

  #failed({ listener, address, user, pair }: Attempt): void {
    const { userAtAddressBanAfter, addressBanAfter } = this.#options;
    if (user !== undefined) this.#byUser.add(user, listener);
    if (address === undefined) return;
    if (pair !== undefined) {
      const failures = this.#byPair.add(pair, listener);
      if (failures >= userAtAddressBanAfter)
        this.#ban('userAtAddressBanned', pair, { address, username: user, listener }, failures);
    }
    const failures = this.#byAddress.add(address, listener);
    const ban = { address, username: undefined, listener };
    if (failures >= addressBanAfter) this.#ban('addressBanned', address, ban, failures);
  }

  #ban(
    name: 'addressBanned' | 'userAtAddressBanned',
    key: string,
    ban: Ban & { listener: string },
    failures: number,
  ): void {
    // Attempts that were under way when it began tell nothing new, and shorten no ban that was given.
    const isNew = !this.#bans.has(key);
    if (isNew) this.#bans.add(key, ban);
    this.#byPair.reset(key);
    this.#byAddress.reset(key);
    if (isNew) this.#options.tell?.({ name, ...ban, failures, banMs: this.#options.banMs });
  }

  #refusal({ address, pair }: Attempt): Refusal | undefined {
    if (address !== undefined && this.#bans.has(address)) return banned('banned-address');
    return pair !== undefined && this.#bans.has(pair) ? banned('banned-user-at-address') : undefined;
  }

  #delayMs({ listener, address, user, pair }: Attempt): number {
    if (pair !== undefined && this.#familiar.get(familiarOf(pair, listener))) return 0;
    const { userDelayAfter, addressDelayAfter } = this.#options;
    const beyond = Math.max(
      user === undefined ? -1 : this.#byUser.get(user) - userDelayAfter,
      address === undefined ? -1 : this.#byAddress.get(address) - addressDelayAfter,
    );
    const { delayMs, delayMsMax, answerMsMax } = this.#options;
    return beyond < 0 ? 0 : Math.min(delayMs * 2 ** beyond, delayMsMax, answerMsMax);
  }

  #attempt(request: AuthenticationRequest): Attempt {
    if (request.state !== undefined) return (request.state as Exchange).attempt;
    const { listener } = request;
    const address = this.#addressOf(request.peer.address);
    const username = shownUsername(request);
    const user = username === undefined ? undefined : shortened(username);
    const pair = address === undefined || user === undefined ? undefined : pairOf(address, user);
    // Who was let in there before does not wait behind strangers; one at a time, so that a burst gains little by it.
    const isFamiliar = pair !== undefined && this.#familiar.get(familiarOf(pair, listener)) === true;
    const isKnown = isFamiliar && !this.#pairsUnderWay.isTaken(pair);
    return { listener, address, user, pair, line: isKnown ? undefined : address };
  }

  #addressOf(text: string): string | undefined {
    const key = networkOf(text);
    if (key === undefined) return undefined;
    const address = key.endsWith('/64') ? text.replace(/%.*$/, '') : key;
    return this.#trusted.includes(address) ? undefined : key;
  }
}

function shownUsername({ connect, data }: AuthenticationRequest): string | undefined {
  const { username, properties } = connect;
  if (username !== undefined || !properties.authenticationMethod?.startsWith('SCRAM-')) return username;
  return usernameOfClientFirst(data);
}

/** Memory of a table does not depend on what names clients send. */
function shortened(username: string): string {
  if (Buffer.byteLength(username) <= 64) return username;
  return `sha256:${createHash('sha256').update(username).digest('base64url')}`;
}

/** No user name of MQTT holds a zero character, and no address. */
function pairOf(address: string, user: string): string {
  return `${address}\0${user}`;
}

function familiarOf(pair: string, listener: string): string {
  return `${pair}\0${listener}`;
}

function banned(check: string): Refusal {
  return { kind: 'refuse', reasonCode: ReasonCode.banned, check };
}

const BUSY: Refusal = {
  kind: 'refuse',
  reasonCode: ReasonCode.serverBusy,
  check: 'attempt-backlog',
  detail: 'too many attempts are delayed or wait for others',
};

const GONE: Refusal = {
  kind: 'refuse',
  reasonCode: ReasonCode.serverBusy,
  check: 'client-gone',
  detail: 'the client hung up before its turn',
};

const LATE: Refusal = {
  kind: 'refuse',
  reasonCode: ReasonCode.serverUnavailable,
  check: 'attempt-timeout',
  detail: 'who the client is was not found out in time',
};
