/** The revocation list of the authority for others: made anew when there is something new to say, and before it is out of date. */
import type { Clock } from '@dunlin/broker';
import { REVOCATION_REASONS } from './certificate-record.ts';
import type { IssuingAuthority } from './issuing-authority.ts';
import type { Revocations } from './revocations.ts';
import { crlEntries, signCrl } from './x509-writer.ts';

export interface CrlSettings {
  /** How long a list counts, in seconds; a new one is made when half of that is over. */
  readonly validityS: number;
  /** How long a list of more than `largeEntries` is handed out though it lacks the newest, in seconds. */
  readonly largeDelayS: number;
  /** From how many entries on making a list costs so much (some tenths of a second). */
  readonly largeEntries: number;
}

export const CRL_DEFAULTS: CrlSettings = { validityS: 604_800, largeDelayS: 60, largeEntries: 10_000 };

/** Entries that are written in one turn. */
const SLICE = 250;
/** Longest time for which others may keep a list, in seconds: who asks then learns of what was revoked since. */
const KEPT_S_MAX = 3_600;

export interface PublishedCrl {
  /** Do not change its bytes. */
  readonly der: Buffer;
  readonly thisUpdateMs: number;
  readonly nextUpdateMs: number;
  /** How long it may be kept. */
  readonly keepS: number;
}

type Crl = Omit<PublishedCrl, 'keepS'>;

export class CrlPublisher {
  readonly #authority: IssuingAuthority;
  readonly #revocations: Revocations;
  readonly #clock: Clock;
  readonly #settings: CrlSettings;
  readonly #end: () => void;
  #current: Crl | undefined;
  #making: Promise<Crl> | undefined;
  #entries = 0;
  #number = 0;
  #isOld = false;

  constructor(
    authority: IssuingAuthority,
    revocations: Revocations,
    clock: Clock,
    settings: Partial<CrlSettings> = {},
  ) {
    this.#authority = authority;
    this.#revocations = revocations;
    this.#clock = clock;
    this.#settings = { ...CRL_DEFAULTS, ...settings };
    this.#end = revocations.onChange(() => {
      this.#isOld = true;
    });
  }

  /** The list as it is to be handed out now. Many entries take many turns, and all who ask meanwhile get the same list. */
  async current(): Promise<PublishedCrl> {
    const known = this.#current;
    const crl = known === undefined || this.#isDue(known) ? await this.#makeOnce() : known;
    const leftS = Math.floor((crl.nextUpdateMs - this.#clock.nowMs()) / 1_000);
    return { ...crl, keepS: Math.min(Math.max(leftS, 0), KEPT_S_MAX) };
  }

  close(): void {
    this.#end();
  }

  #isDue({ thisUpdateMs }: Crl): boolean {
    const { validityS, largeDelayS, largeEntries } = this.#settings;
    const ageMs = this.#clock.nowMs() - thisUpdateMs;
    // A clock that was set back must not keep a list alive.
    if (ageMs < 0 || ageMs >= validityS * 500) return true;
    return this.#isOld && (this.#entries < largeEntries || ageMs >= largeDelayS * 1_000);
  }

  #makeOnce(): Promise<Crl> {
    this.#making ??= this.#make().finally(() => {
      this.#making = undefined;
    });
    return this.#making;
  }

  async #make(): Promise<Crl> {
    const thisUpdateMs = this.#clock.nowMs();
    const nextUpdateMs = thisUpdateMs + this.#settings.validityS * 1_000;
    // What is revoked from here on makes the list an old one.
    this.#isOld = false;
    const revoked = this.#revocations.list(this.#authority.name);
    const entries: Buffer[] = [];
    for (let from = 0; from < revoked.length; from += SLICE) {
      if (from > 0) await new Promise<void>((resolve) => this.#clock.endOfTurn(resolve));
      const slice = revoked.slice(from, from + SLICE);
      entries.push(crlEntries(slice.map(({ reason, ...entry }) => ({ ...entry, reasonCode: reasonCodeOf(reason) }))));
    }
    // Time makes it rise across restarts too.
    this.#number = Math.max(this.#number + 1, thisUpdateMs);
    this.#entries = revoked.length;
    const der = signCrl(entries, { thisUpdateMs, nextUpdateMs, number: this.#number }, this.#authority.signer);
    this.#current = { der, thisUpdateMs, nextUpdateMs };
    return this.#current;
  }
}

/** RFC 5280, section 5.3.1: `unspecified` is said by saying nothing. */
export function reasonCodeOf(reason: keyof typeof REVOCATION_REASONS): number | undefined {
  return reason === 'unspecified' ? undefined : REVOCATION_REASONS[reason];
}
