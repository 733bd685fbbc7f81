/** The revocation list of the authority for others: made anew when there is something new to say, and before it is out of date. */
import type { Clock } from '@dunlin/broker';
import { REVOCATION_REASONS } from './certificate-record.ts';
import type { IssuingAuthority } from './issuing-authority.ts';
import type { Revocations } from './revocations.ts';
import { signCrl } from './x509-writer.ts';

export interface CrlSettings {
  /** How long a list counts, in seconds; a new one is made when half of that is over. */
  readonly validityS: number;
  /** How long a list of more than `largeEntries` is handed out though it lacks the newest, in seconds. */
  readonly largeDelayS: number;
  /** From how many entries on making a list costs so much (some tenths of a second). */
  readonly largeEntries: number;
}

export const CRL_DEFAULTS: CrlSettings = { validityS: 604_800, largeDelayS: 60, largeEntries: 10_000 };

export interface PublishedCrl {
  readonly der: Buffer;
  readonly thisUpdateMs: number;
  readonly nextUpdateMs: number;
}

export class CrlPublisher {
  readonly #authority: IssuingAuthority;
  readonly #revocations: Revocations;
  readonly #clock: Clock;
  readonly #settings: CrlSettings;
  readonly #end: () => void;
  #current: PublishedCrl | undefined;
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

  /** The list as it is to be handed out now. Do not change its bytes. */
  current(): PublishedCrl {
    if (this.#current === undefined || this.#isDue(this.#current)) this.#current = this.#make();
    return this.#current;
  }

  close(): void {
    this.#end();
  }

  #isDue({ thisUpdateMs }: PublishedCrl): boolean {
    const { validityS, largeDelayS, largeEntries } = this.#settings;
    const ageMs = this.#clock.nowMs() - thisUpdateMs;
    // A clock that was set back must not keep a list alive.
    if (ageMs < 0 || ageMs >= validityS * 500) return true;
    return this.#isOld && (this.#entries < largeEntries || ageMs >= largeDelayS * 1_000);
  }

  #make(): PublishedCrl {
    const thisUpdateMs = this.#clock.nowMs();
    const nextUpdateMs = thisUpdateMs + this.#settings.validityS * 1_000;
    const revoked = this.#revocations
      .list(this.#authority.name)
      .map(({ serial, revokedAtMs, reason }) => ({ serial, revokedAtMs, reasonCode: reasonCodeOf(reason) }));
    // Time makes it rise across restarts too.
    this.#number = Math.max(this.#number + 1, thisUpdateMs);
    this.#isOld = false;
    this.#entries = revoked.length;
    const der = signCrl(revoked, { thisUpdateMs, nextUpdateMs, number: this.#number }, this.#authority.signer);
    return { der, thisUpdateMs, nextUpdateMs };
  }
}

/** RFC 5280, section 5.3.1: `unspecified` is said by saying nothing. */
export function reasonCodeOf(reason: keyof typeof REVOCATION_REASONS): number | undefined {
  return reason === 'unspecified' ? undefined : REVOCATION_REASONS[reason];
}
