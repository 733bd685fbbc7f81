/** The certificates of devices: issued, renewed with overlap, revoked, and remembered until long after their end. */
import { createHash, type KeyObject, X509Certificate } from 'node:crypto';
import { RevisionConflict, type Table, type TablePage } from '@dunlin/broker';
import { actingForService } from '../actor.ts';
import { compareAndSet } from '../compare-and-set.ts';
import type { ServiceParts } from '../ports.ts';
import { Turns } from '../turns.ts';
import { CertificateError } from './certificate-error.ts';
import {
  CERTIFICATES,
  type CertificateRecord,
  dayOf,
  inUse,
  isValid,
  type RevocationReason,
  type StoredCertificate,
} from './certificate-record.ts';
import { readCsr } from './csr.ts';
import { type CertifiedDevice, type DeviceTrust, TRUSTED } from './device-trust.ts';
import type { IssuedCertificate, IssuingAuthority } from './issuing-authority.ts';
import { normalSerial } from './serial-number.ts';

export interface CertificateSettings {
  /** How long certificates are valid; nobody gets a longer one. */
  readonly days: number;
  /** How long a certificate counts after the one that replaces it was first used, in seconds. */
  readonly renewalOverlapS: number;
  /** Valid certificates of one device. */
  readonly perDeviceMax: number;
  /** How long after its end a certificate is remembered, in days. */
  readonly historyDays: number;
}

export const CERTIFICATE_DEFAULTS: CertificateSettings = {
  days: 365,
  renewalOverlapS: 604_800,
  perDeviceMax: 4,
  historyDays: 90,
};

export interface CertificateOptions {
  /** PKCS#10 in PEM or DER; without one a key is made, which is in the answer and nowhere else. */
  readonly csr?: string | Uint8Array;
  /** The Common Name that the request has to have. Default: the device id. */
  readonly csrName?: string;
  /** Default, and the most: as the settings say. */
  readonly days?: number;
  /** Who asked, for events. */
  readonly by: string;
}

export interface RevokeOptions {
  /** Default: `unspecified`. */
  readonly reason?: RevocationReason;
  /** Who asks, for events. */
  readonly by: string;
}

const DAY_MS = 86_400_000;
/** Certificates of one device that are looked at, with revoked and expired ones. */
const RECORDS_MAX = 1_000;
const PAGE = 100;

export class Certificates {
  /** For those who only read and watch. */
  readonly table: Table<CertificateRecord>;
  readonly #parts: ServiceParts;
  readonly #authority: IssuingAuthority;
  readonly #settings: CertificateSettings;
  /** By device: what reads several records and then decides. */
  readonly #turns = new Turns();
  readonly #trust: DeviceTrust;

  constructor(
    parts: ServiceParts,
    authority: IssuingAuthority,
    settings: Partial<CertificateSettings> = {},
    trust: DeviceTrust = TRUSTED,
  ) {
    this.#parts = parts;
    this.#authority = authority;
    this.#settings = { ...CERTIFICATE_DEFAULTS, ...settings };
    this.#trust = trust;
    this.table = parts.tables.table(CERTIFICATES);
  }

  /**
   * Issues one more certificate. Settles when it is stored. Rejects with `CertificateError`; with `DeviceError`
   * 'unknown-device' where the device was removed or disabled, or lost credentials meanwhile, 'credential-kind' where its type
   * takes tokens only.
   */
  issue(device: CertifiedDevice, options: CertificateOptions): Promise<IssuedCertificate> {
    return this.#turns.run(device.device.id, async () => {
      await this.#trust.check(device);
      await this.#checkRoom(device, undefined);
      const [issued, record] = await this.#sign(device, options);
      await this.#store(issued, record, options.by);
      return issued;
    });
  }

  /**
   * Issues a certificate in place of the one with this serial number, which counts on: until `renewalOverlapS` after the new
   * one is first used, or its own end. Asked again before that, because an answer was lost, the new one is replaced itself.
   * It may have expired, where whoever asks has shown in another way who they are.
   *
   * Rejects with `CertificateError`: `unknown` where the device has none of this serial number, `conflict` where of two at once the other was faster, `revoked` where it is revoked or
   * the one that replaces it is in use. With `DeviceError` as `issue`.
   */
  async renew(device: CertifiedDevice, serial: string, options: CertificateOptions): Promise<IssuedCertificate> {
    const { key, value, revision } = await this.#need(serial, 'renew');
    if (value.deviceId !== device.device.id || value.generation !== device.generation) throw unknown(serial, 'renew');
    return this.#turns.run(value.deviceId, async () => {
      await this.#trust.check(device);
      if (value.revokedAtMs !== undefined)
        throw new CertificateError(
          'revoked',
          `Cannot renew certificate ${key}: it is revoked or replaced; the one in use is expected`,
        );
      const unused = await this.#unused(value.replacedBy);
      await this.#checkRoom(device, unused);
      const [issued, record] = await this.#sign(device, options);
      // First what decides of two who renew at once, and only then the certificate itself.
      await this.#put(key, { ...value, replacedBy: issued.serial }, revision);
      await this.#store(issued, record, options.by);
      if (unused !== undefined) await this.#revoke(unused.key, { reason: 'superseded', by: options.by });
      return issued;
    });
  }

  /**
   * Revokes from now on, for good; a second time does not change the certificate. The device gets no other one by what it was
   * given before. Settles with the record when that is stored. Rejects with `CertificateError` where the serial number is
   * unknown.
   */
  async revoke(serial: string, options: RevokeOptions): Promise<StoredCertificate> {
    const { key, value } = await this.#need(serial, 'revoke');
    // First what could make others.
    await this.#trust.withdraw(value.deviceId);
    return this.#turns.run(value.deviceId, () => this.#revoke(key, options));
  }

  /** Revokes all that count of a device, those included that are being issued; else as `revoke`. */
  async revokeAll(deviceId: string, options: RevokeOptions): Promise<void> {
    await this.#trust.withdraw(deviceId);
    await this.#revokeValid(deviceId, options);
  }

  /** As `revokeAll`, for a device that is given others in their place. */
  supersedeAll(deviceId: string, by: string): Promise<void> {
    return this.#revokeValid(deviceId, { reason: 'superseded', by });
  }

  /** Has to be told of every certificate of this authority that a device comes with; the first time starts the overlap. */
  used(serial: string): Promise<void> {
    // What its use ends, the device has not ended.
    return actingForService(() => this.#used(serial));
  }

  /** Name of the authority that issues. */
  get authority(): string {
    return this.#authority.name;
  }

  /**
   * Whether a request can be used for a device that has no id yet: its subject is this name, and its key was never in a
   * certificate. Rejects with `CertificateError` where not.
   */
  async checkRequest(csr: string | Uint8Array, csrName: string): Promise<void> {
    const { records } = await this.table.scan({ index: 'key', exact: keyIdOf(readCsr(csr, csrName)), limit: 1 });
    if (records.length === 0) return;
    throw new CertificateError(
      'key-taken',
      'Cannot use the request: its key is in a certificate already; a new one is expected',
    );
  }

  /** By its serial number, in whatever form. */
  async get(serial: string): Promise<StoredCertificate | undefined> {
    const key = normalSerial(serial);
    return key === undefined ? undefined : this.table.get(key);
  }

  /** One page of all that a device ever had, as long as they are remembered. */
  async list(
    deviceId: string,
    page: { readonly cursor?: string; readonly limit: number },
  ): Promise<TablePage<CertificateRecord>> {
    return this.table.scan({ index: 'device', exact: deviceId, ...page });
  }

  /** Those of a device that are not revoked, with those that ended; among them no other one that had the id before. */
  async unrevoked(device: CertifiedDevice): Promise<readonly StoredCertificate[]> {
    return (await this.#ofDevice(device)).filter(({ value }) => value.revokedAtMs === undefined);
  }

  /**
   * The certificate that is to be renewed: the one that the device has in use, though it may have ended. Undefined where it has
   * none that is not revoked, or the one in its place was taken away.
   */
  async toRenew(device: CertifiedDevice): Promise<StoredCertificate | undefined> {
    const all = await this.#ofDevice(device);
    const found = inUse(all.filter(({ value }) => value.revokedAtMs === undefined));
    // One that ended by itself was never revoked: what took its place speaks for it.
    const next = all.find(({ key }) => key === found?.value.replacedBy)?.value;
    const isWithdrawn = next?.revokedAtMs !== undefined && next.reason !== 'superseded';
    return isWithdrawn ? undefined : found;
  }

  /** Forgets those that ended long ago, up to `limit`. Settles with how many. */
  async sweep(limit: number): Promise<number> {
    const before = dayOf(this.#parts.clock.nowMs() - this.#settings.historyDays * DAY_MS);
    const { records } = await this.table.scan({ index: 'day', limit });
    const old = records.filter(({ value }) => dayOf(value.notAfterMs) < before);
    for (const { key } of old) await this.table.delete(key);
    return old.length;
  }

  async close(): Promise<void> {
    await this.table.close();
  }

  async #revoke(serial: string, { reason = 'unspecified', by }: RevokeOptions): Promise<StoredCertificate> {
    const nowMs = this.#parts.clock.nowMs();
    let isNew = false;
    const stored = await this.#change(await this.#need(serial, 'revoke'), (record) => {
      isNew = record.revokedAtMs === undefined || record.revokedAtMs > nowMs;
      return isNew ? { ...record, revokedAtMs: nowMs, reason } : undefined;
    });
    const { deviceId } = stored.value;
    if (isNew) this.#parts.tell({ name: 'certificateRevoked', deviceId, serial: stored.key, reason, by });
    return stored;
  }

  #revokeValid(deviceId: string, options: RevokeOptions): Promise<void> {
    return this.#turns.run(deviceId, async () => {
      for (const { key } of await this.#valid(deviceId)) await this.#revoke(key, options);
    });
  }

  async #used(serial: string): Promise<void> {
    const nowMs = this.#parts.clock.nowMs();
    const found = await this.table.get(serial);
    if (found === undefined || found.value.firstUsedAtMs !== undefined) return;
    const endMs = nowMs + this.#settings.renewalOverlapS * 1_000;
    for (const each of await this.#valid(found.value.deviceId))
      await this.#change(each, (record) =>
        record.replacedBy === serial && record.revokedAtMs === undefined && endMs < record.notAfterMs
          ? { ...record, revokedAtMs: endMs, reason: 'superseded' }
          : undefined,
      );
    // Last: after a crash in between the next time is the first one again.
    await this.#change(found, (record) =>
      record.firstUsedAtMs === undefined ? { ...record, firstUsedAtMs: nowMs } : undefined,
    );
  }

  async #need(serial: string, what: string): Promise<StoredCertificate> {
    const found = await this.get(serial);
    if (found !== undefined) return found;
    throw unknown(serial, what);
  }

  /** In its turn: who removes the device or revokes from here on finds the certificate. */
  async #ofDevice({ device, generation }: CertifiedDevice): Promise<readonly StoredCertificate[]> {
    const { records } = await this.list(device.id, { limit: RECORDS_MAX });
    return records.filter(({ value }) => value.generation === generation);
  }

  /** The certificate of an earlier renewal that nobody ever came with. */
  async #unused(serial: string | undefined): Promise<StoredCertificate | undefined> {
    const found = serial === undefined ? undefined : await this.table.get(serial);
    return found?.value.firstUsedAtMs === undefined ? found : undefined;
  }

  /** `besides`: one that is about to go. */
  async #checkRoom({ device, generation }: CertifiedDevice, besides: StoredCertificate | undefined): Promise<void> {
    const { perDeviceMax } = this.#settings;
    const deviceId = device.id;
    const valid = (await this.#valid(deviceId)).filter(
      ({ key, value }) => key !== besides?.key && value.generation === generation,
    );
    if (valid.length < perDeviceMax) return;
    const detail = `${valid.length} certificates are valid, ${perDeviceMax} are allowed`;
    this.#parts.tell({ name: 'deviceLimitReached', limit: 'certificatesPerDeviceMax', deviceId, detail });
    throw new CertificateError(
      'too-many',
      `Cannot issue a certificate for ${JSON.stringify(deviceId)}: ${detail}; that one is revoked first is expected`,
    );
  }

  async #valid(deviceId: string): Promise<StoredCertificate[]> {
    const nowMs = this.#parts.clock.nowMs();
    const found: StoredCertificate[] = [];
    let cursor: string | undefined;
    for (let seen = 0; seen < RECORDS_MAX; seen += PAGE) {
      const page: TablePage<CertificateRecord> = await this.list(deviceId, { limit: PAGE, ...(cursor && { cursor }) });
      found.push(...page.records.filter(({ value }) => isValid(value, nowMs)));
      cursor = page.cursor;
      if (cursor === undefined) return found;
    }
    throw new CertificateError(
      'too-many',
      `Cannot look through the certificates of ${JSON.stringify(deviceId)}: more than ${RECORDS_MAX} are remembered; fewer renewals are expected`,
    );
  }

  async #sign(
    { device, generation }: CertifiedDevice,
    options: CertificateOptions,
  ): Promise<[IssuedCertificate, CertificateRecord]> {
    const deviceId = device.id;
    const nowMs = this.#parts.clock.nowMs();
    const { days = this.#settings.days, csr, csrName = deviceId } = options;
    if (days > this.#settings.days)
      throw new CertificateError(
        'days-unfit',
        `Cannot issue a certificate for ${days} days: at most ${this.#settings.days} are expected`,
      );
    const issued = this.#authority.issue({ deviceId, days, nowMs, ...(csr !== undefined && { csr, csrName }) });
    const keyId = keyIdOf(new X509Certificate(issued.certificate).publicKey);
    if (csr !== undefined) await this.#checkKey(keyId, deviceId);
    const { notBeforeMs, notAfterMs } = issued;
    const later = { firstUsedAtMs: undefined, revokedAtMs: undefined, reason: undefined, replacedBy: undefined };
    const authority = this.#authority.name;
    return [issued, { deviceId, generation, authority, notBeforeMs, notAfterMs, issuedAtMs: nowMs, keyId, ...later }];
  }

  /** A key is that of one device alone, and one that others know never counts again. */
  async #checkKey(keyId: string, deviceId: string): Promise<void> {
    const { records } = await this.table.scan({ index: 'key', exact: keyId, limit: PAGE });
    const taken = records.find(({ value }) => value.deviceId !== deviceId || value.reason === 'keyCompromise');
    if (taken === undefined) return;
    const whose = taken.value.deviceId === deviceId ? 'was compromised' : 'is that of another device';
    throw new CertificateError(
      'key-taken',
      `Cannot issue a certificate for ${JSON.stringify(deviceId)}: its key ${whose}; a new one is expected`,
    );
  }

  async #store({ serial, notAfterMs }: IssuedCertificate, record: CertificateRecord, by: string): Promise<void> {
    await this.table.put(serial, record, 0);
    this.#parts.tell({ name: 'certificateIssued', deviceId: record.deviceId, serial, notAfterMs, by });
  }

  async #put(key: string, value: CertificateRecord, expected: number): Promise<StoredCertificate> {
    try {
      return { key, value, revision: await this.table.put(key, value, expected) };
    } catch (error) {
      if (!(error instanceof RevisionConflict)) throw error;
      throw new CertificateError(
        'conflict',
        `Cannot change certificate ${key}: somebody else did so meanwhile; that it is read again is expected`,
      );
    }
  }

  /** Decides again where somebody else was faster. `change` returns undefined where there is nothing to do. */
  async #change(
    found: StoredCertificate,
    change: (record: CertificateRecord) => CertificateRecord | undefined,
  ): Promise<StoredCertificate> {
    const { key } = found;
    return compareAndSet(this.table, key, async (record) => {
      if (record === undefined) throw unknown(key, 'change');
      const value = change(record.value);
      if (value === undefined) return record;
      return { key, value, revision: await this.table.put(key, value, record.revision) };
    });
  }
}

/** SHA-256 of the SubjectPublicKeyInfo. */
function keyIdOf(publicKey: KeyObject): string {
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex');
}

function unknown(serial: string, what: string): CertificateError {
  const shown = JSON.stringify(serial.slice(0, 50));
  return new CertificateError(
    'unknown',
    `Cannot ${what} certificate ${shown}: there is none of this serial number; that of one that was issued here is expected`,
  );
}
