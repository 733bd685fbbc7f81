/**
 * Renewal tokens: by one of them a device gets another certificate, also when its own has ended. They let nobody connect. A
 * renewal replaces the token; the one that it was asked with counts on for a while, in case the answer was lost.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock, Table, TableDefinition } from '@dunlin/broker';
import { quoted } from '@dunlin/protocol';
import { compareAndSet } from '../compare-and-set.ts';
import { digestOf } from '../credentials/stored-tokens.ts';
import { DeviceError } from '../device-error.ts';
import type { ServiceParts } from '../ports.ts';
import type { RegisteredDevice, Registry } from '../registry/registry.ts';

interface StoredRenewal {
  readonly sha256: Uint8Array;
  /** Wall clock. */
  readonly expiresAtMs: number;
}

export interface RenewalRecord {
  /** Of the device: those of one that was removed count no longer. */
  readonly generation: string;
  /** Of the device when they were made: after a revocation, or when it was disabled, they count no longer. */
  readonly trust: number;
  readonly tokens: readonly StoredRenewal[];
}

/** `token` is shown this once and stands nowhere afterwards. */
export interface RenewalToken {
  readonly token: string;
  readonly expiresAtMs: number;
}

export const RENEWALS: TableDefinition<RenewalRecord> = { name: 'device-renewals', indexes: {} };
const FORM = /^dr_[\w-]{32}$/;
const NONE = Buffer.alloc(32);
/** Read in place of an unknown device. */
const NOBODY = '-';
/** The one in use, and the one before. */
const TOKENS_MAX = 2;

export class Renewals {
  readonly #table: Table<RenewalRecord>;
  readonly #clock: Clock;
  readonly #overlapMs: number;
  readonly #registry: Registry;
  readonly #end: () => void;

  /** `overlapMs`: for how long a token counts that was replaced. */
  constructor({ tables, clock }: ServiceParts, registry: Registry, overlapMs: number) {
    this.#table = tables.table(RENEWALS);
    this.#clock = clock;
    this.#overlapMs = overlapMs;
    this.#registry = registry;
    this.#end = registry.onRemoval((deviceId) => this.revoke(deviceId));
  }

  /** Makes the only token that the device has. Resolves when it survives a crash. @throws DeviceError 'unknown-device' */
  issue(registered: RegisteredDevice, expiresAtMs: number): Promise<RenewalToken> {
    return this.#write(registered, expiresAtMs, () => []);
  }

  /** Makes one in place of that which was shown, or of the one in use; else as `issue`. */
  replace(registered: RegisteredDevice, expiresAtMs: number, shown: string | undefined): Promise<RenewalToken> {
    const endsAtMs = this.#clock.nowMs() + this.#overlapMs;
    return this.#write(registered, expiresAtMs, (tokens) => {
      const kept =
        shown === undefined ? tokens[0] : tokens.find(({ sha256 }) => timingSafeEqual(sha256, digestOf(shown)));
      return kept === undefined ? [] : [{ ...kept, expiresAtMs: Math.min(kept.expiresAtMs, endsAtMs) }];
    });
  }

  /** Whether it is a token of the device. For no device the same is done. */
  async check(registered: RegisteredDevice | undefined, token: string): Promise<boolean> {
    const record = await this.#table.get(registered?.device.id ?? NOBODY);
    const digest = digestOf(token);
    const nowMs = this.#clock.nowMs();
    let isRight = false;
    for (let at = 0; at < TOKENS_MAX; at += 1) {
      const stored = record?.value.tokens[at];
      const isIt = timingSafeEqual(stored?.sha256 ?? NONE, digest);
      if (isIt && stored !== undefined && nowMs < stored.expiresAtMs) isRight = true;
    }
    return isRight && FORM.test(token) && registered !== undefined && isOf(record?.value, registered);
  }

  /** Until when the device may renew by token; undefined where it may not. */
  async endOf(registered: RegisteredDevice): Promise<number | undefined> {
    const value = (await this.#table.get(registered.device.id))?.value;
    return isOf(value, registered) ? value?.tokens[0]?.expiresAtMs : undefined;
  }

  /** From when it settles on the device has no token. */
  async revoke(deviceId: string): Promise<void> {
    await this.#table.delete(deviceId);
  }

  close(): Promise<void> {
    this.#end();
    return this.#table.close();
  }

  async #write(
    registered: RegisteredDevice,
    expiresAtMs: number,
    kept: (tokens: readonly StoredRenewal[]) => readonly StoredRenewal[],
  ): Promise<RenewalToken> {
    const { device, generation, trust } = registered;
    const token = `dr_${randomBytes(24).toString('base64url')}`;
    await compareAndSet(this.#table, device.id, async (record) => {
      const former = record !== undefined && isOf(record.value, registered) ? record.value.tokens : [];
      const tokens = [{ sha256: digestOf(token), expiresAtMs }, ...kept(former)];
      const revision = await this.#table.put(device.id, { generation, trust, tokens }, record?.revision ?? 0);
      // Its tokens may have been taken away before this one was there.
      const now = await this.#registry.get(device.id);
      if (now?.generation === generation && now.trust === trust) return;
      await this.#table.delete(device.id, revision);
      throw new DeviceError(
        'unknown-device',
        `Cannot make a renewal token for ${quoted(device.id)}: it was removed or disabled, or lost credentials meanwhile`,
      );
    });
    return { token, expiresAtMs };
  }
}

function isOf(record: RenewalRecord | undefined, { generation, trust }: RegisteredDevice): boolean {
  return record?.generation === generation && record.trust === trust;
}
