/** Tells of certificates that end soon: in events, on a topic of each device, and in numbers; once a day, and of those that are issued so. */
import type { Timer } from '@dunlin/broker';
import type { DeviceBroker, ServiceParts } from '../ports.ts';
import { Turns } from '../turns.ts';
import { dayOf, inUse, isValid, type StoredCertificate } from './certificate-record.ts';
import type { Certificates } from './certificates.ts';
import type { Revocations } from './revocations.ts';

export interface ExpirySettings {
  /** Days before its end from which on a certificate is told of. */
  readonly warnDays: number;
  /** Days after its end for which it still is, as nothing took its place. */
  readonly lateDays: number;
}

export const EXPIRY_DEFAULTS: ExpirySettings = { warnDays: 30, lateDays: 30 };

/** Devices whose last certificate ends soon, and of those that have none any more; certificates that are revoked. */
export interface ExpiryCounts {
  readonly expiring: number;
  readonly expired: number;
  readonly revoked: number;
}

/** Retained, JSON `{deviceId, serial, notAfter, daysLeft}`; nothing where all is well again. */
export const EXPIRING_TOPIC = 'dunlin/certificates/expiring/';
const DAY_MS = 86_400_000;
const PAGE = 100;
/** Certificates that are forgotten in one step of a walk. */
const SWEEP = 1_000;

export class ExpiryWatch {
  readonly #parts: ServiceParts;
  readonly #certificates: Certificates;
  readonly #revocations: Revocations;
  readonly #broker: DeviceBroker;
  readonly #settings: ExpirySettings;
  readonly #ends: (() => void)[];
  /** Devices that have a message on their topic, as far as is known here, with the certificate that it is about. */
  readonly #told = new Map<string, string>();
  readonly #turns = new Turns();
  #walk: Promise<ExpiryCounts> | undefined;
  #counts: ExpiryCounts | undefined;
  #isClosed = false;

  constructor(
    parts: ServiceParts,
    { certificates, revocations }: { readonly certificates: Certificates; readonly revocations: Revocations },
    broker: DeviceBroker,
    settings: Partial<ExpirySettings> = {},
  ) {
    this.#parts = parts;
    this.#certificates = certificates;
    this.#revocations = revocations;
    this.#broker = broker;
    this.#settings = { ...EXPIRY_DEFAULTS, ...settings };
    const daily: Timer = parts.clock.every(DAY_MS, () => this.#guard(this.walk()));
    const unwatch = certificates.table.watch('', ({ record }) => {
      if (record === undefined) return;
      const { deviceId } = record.value;
      if (this.#told.has(deviceId) || this.#isNear(record, parts.clock.nowMs()))
        this.#guard(this.#turns.run(deviceId, () => this.#lookAgain(deviceId)));
    });
    this.#ends = [() => daily.cancel(), unwatch];
  }

  /**
   * Walks once over what ends within the days of the settings: called at the start, and then every day by itself. Settles
   * with what was found, when everything is published. Rejects where the table or the broker does.
   */
  walk(): Promise<ExpiryCounts> {
    this.#walk ??= this.#go().finally(() => {
      this.#walk = undefined;
    });
    return this.#walk;
  }

  /** What the last walk found; undefined before the first has ended. */
  get counts(): ExpiryCounts | undefined {
    return this.#counts;
  }

  /** Nothing more is published; a walk that is under way settles soon. */
  close(): void {
    this.#isClosed = true;
    for (const end of this.#ends) end();
  }

  async #go(): Promise<ExpiryCounts> {
    while ((await this.#certificates.sweep(SWEEP)) === SWEEP && !this.#isClosed);
    const { warnDays, lateDays } = this.#settings;
    const todayMs = this.#parts.clock.nowMs();
    const seen = new Set<string>();
    const expired = new Set<string>();
    for (let day = -lateDays; day <= warnDays && !this.#isClosed; day += 1)
      for await (const ending of this.#endingOn(dayOf(todayMs + day * DAY_MS))) {
        const { deviceId, notAfterMs } = ending.value;
        const last = await this.#lastOf(deviceId);
        if (last?.key === ending.key) {
          seen.add(deviceId);
          if (notAfterMs < todayMs) expired.add(deviceId);
          await this.#tell(ending, todayMs);
        } else if (!seen.has(deviceId) && last !== undefined && !this.#isNear(last, todayMs))
          await this.#clear(deviceId);
      }
    for (const deviceId of this.#told.keys()) if (!seen.has(deviceId)) await this.#clear(deviceId);
    const counts = { expiring: seen.size - expired.size, expired: expired.size, revoked: this.#revocations.size };
    this.#counts = counts;
    return counts;
  }

  async *#endingOn(day: string): AsyncGenerator<StoredCertificate> {
    let cursor: string | undefined;
    do {
      const scan = { index: 'day', exact: day, limit: PAGE, ...(cursor && { cursor }) };
      const page = await this.#certificates.table.scan(scan);
      yield* page.records;
      cursor = page.cursor;
    } while (cursor !== undefined && !this.#isClosed);
  }

  /** The certificate that a device lives on: the one in use of those that count, else of those that have ended by themselves. */
  async #lastOf(deviceId: string): Promise<StoredCertificate | undefined> {
    const { records } = await this.#certificates.list(deviceId, { limit: PAGE });
    const nowMs = this.#parts.clock.nowMs();
    const valid = records.filter(({ value }) => isValid(value, nowMs));
    return inUse(valid) ?? inUse(records.filter(({ value }) => isValid(value, Math.min(nowMs, value.notAfterMs))));
  }

  #isNear({ value }: StoredCertificate, nowMs: number): boolean {
    return value.notAfterMs < nowMs + (this.#settings.warnDays + 1) * DAY_MS;
  }

  async #lookAgain(deviceId: string): Promise<void> {
    const last = await this.#lastOf(deviceId);
    const nowMs = this.#parts.clock.nowMs();
    if (last === undefined || !this.#isNear(last, nowMs)) await this.#clear(deviceId);
    else if (this.#told.get(deviceId) !== last.key) await this.#tell(last, nowMs);
  }

  async #tell({ key: serial, value: { deviceId, notAfterMs } }: StoredCertificate, nowMs: number): Promise<void> {
    const daysLeft = Math.floor((notAfterMs - nowMs) / DAY_MS);
    if (daysLeft >= 0) this.#parts.tell({ name: 'certificateExpiring', deviceId, serial, daysLeft });
    this.#told.set(deviceId, serial);
    const notAfter = new Date(notAfterMs).toISOString();
    await this.#publish(EXPIRING_TOPIC + deviceId, JSON.stringify({ deviceId, serial, notAfter, daysLeft }));
  }

  /** Also where nothing is known of a message: one may be left of the time before a restart. */
  async #clear(deviceId: string): Promise<void> {
    this.#told.delete(deviceId);
    await this.#publish(EXPIRING_TOPIC + deviceId, '');
  }

  async #publish(topic: string, text: string): Promise<void> {
    if (this.#isClosed) return;
    await this.#broker.publish(topic, Buffer.from(text), { retain: true });
  }

  #guard(work: Promise<unknown>): void {
    work.catch((error: Error) => {
      const what = `Cannot tell of certificates that end: ${error.message}`;
      if (!this.#isClosed) this.#parts.tell({ name: 'deviceServiceFailed', error: what });
    });
  }
}
