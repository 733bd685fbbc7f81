/** Revoked certificates in memory: asked at every CONNECT, and told of at once when there is one more. */
import type { Clock, Table, TableChange, Timer } from '@dunlin/broker';
import type { RevocationSource } from '@dunlin/identity';
import { type CertificateRecord, REVOKED, type RevocationReason } from './certificate-record.ts';

export interface RevokedCertificate {
  readonly serial: string;
  readonly authority: string;
  /** May lie ahead: it counts until then. */
  readonly revokedAtMs: number;
  readonly reason: RevocationReason;
  readonly notAfterMs: number;
}

/** Records that are read in one turn: some 10 ms of it. */
const PAGE = 250;
/** How often it is looked whether the overlap of a renewal is over. */
const CHECK_MS = 5_000;
const HOUR_MS = 3_600_000;
/** How long one that has expired stays listed, so that everybody whose clock is slow has seen it listed. */
const LISTED_MS = 86_400_000;

/** About 200 bytes for each certificate that is revoked and has not expired. */
export class Revocations implements RevocationSource {
  readonly #clock: Clock;
  /** By serial number. */
  readonly #revoked = new Map<string, RevokedCertificate>();
  /** Those whose time lies ahead. */
  readonly #ahead = new Set<string>();
  readonly #listeners = new Set<() => void>();
  readonly #ends: (() => void)[];

  private constructor(table: Table<CertificateRecord>, clock: Clock) {
    this.#clock = clock;
    const timer: Timer = clock.every(CHECK_MS, () => this.#comeDue());
    const hourly: Timer = clock.every(HOUR_MS, () => this.#dropExpired());
    this.#ends = [() => timer.cancel(), () => hourly.cancel(), table.watch('', (change) => this.#take(change))];
  }

  /** Settles when all that are revoked are known; others have their turns meanwhile. Nothing is left open where it rejects. */
  static async open(table: Table<CertificateRecord>, clock: Clock): Promise<Revocations> {
    const revocations = new Revocations(table, clock);
    try {
      await revocations.#takeUp(table);
      return revocations;
    } catch (error) {
      revocations.close();
      throw error;
    }
  }

  isRevoked(authority: string, serial: string): boolean {
    const found = this.#revoked.get(serial);
    return found !== undefined && found.authority === authority && found.revokedAtMs <= this.#clock.nowMs();
  }

  onChange(changed: () => void): () => void {
    this.#listeners.add(changed);
    return () => void this.#listeners.delete(changed);
  }

  /** Those of an authority that count no longer, in any order. */
  list(authority: string): RevokedCertificate[] {
    const nowMs = this.#clock.nowMs();
    return [...this.#revoked.values()].filter((each) => each.authority === authority && each.revokedAtMs <= nowMs);
  }

  /** Those that are revoked and have not expired, with those whose time lies ahead. */
  get size(): number {
    return this.#revoked.size;
  }

  close(): void {
    for (const end of this.#ends) end();
    this.#listeners.clear();
  }

  async #takeUp(table: Table<CertificateRecord>): Promise<void> {
    let cursor: string | undefined;
    do {
      const page = await table.scan({ index: 'revoked', exact: REVOKED, limit: PAGE, ...(cursor && { cursor }) });
      // What was told meanwhile is newer than the page.
      for (const { key, value } of page.records) if (!this.#revoked.has(key)) this.#add(key, value);
      cursor = page.cursor;
      // A table may answer at once.
      if (cursor !== undefined) await new Promise<void>((resolve) => this.#clock.endOfTurn(resolve));
    } while (cursor !== undefined);
  }

  #take({ key, record }: TableChange<CertificateRecord>): void {
    if (record !== undefined) {
      if (this.#add(key, record.value)) this.#changed();
      return;
    }
    this.#revoked.delete(key);
    this.#ahead.delete(key);
  }

  /** Whether it is revoked now and was not. */
  #add(serial: string, record: CertificateRecord): boolean {
    const { authority, revokedAtMs, notAfterMs, reason = 'unspecified' } = record;
    if (revokedAtMs === undefined || this.#isPast(notAfterMs)) return false;
    const wasRevoked = this.isRevoked(authority, serial);
    this.#revoked.set(serial, { serial, authority, revokedAtMs, reason, notAfterMs });
    const isAhead = revokedAtMs > this.#clock.nowMs();
    if (isAhead) this.#ahead.add(serial);
    else this.#ahead.delete(serial);
    return !isAhead && !wasRevoked;
  }

  #isPast(notAfterMs: number): boolean {
    return notAfterMs + LISTED_MS < this.#clock.nowMs();
  }

  #dropExpired(): void {
    for (const { serial, notAfterMs } of this.#revoked.values())
      if (this.#isPast(notAfterMs)) {
        this.#revoked.delete(serial);
        this.#ahead.delete(serial);
      }
  }

  #comeDue(): void {
    const nowMs = this.#clock.nowMs();
    const due = [...this.#ahead].filter((serial) => this.#revoked.get(serial)!.revokedAtMs <= nowMs);
    for (const serial of due) this.#ahead.delete(serial);
    if (due.length > 0) this.#changed();
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
