/**
 * Renewal tokens: by one of them a device gets another certificate, also when its own has ended. They let nobody connect. A
 * renewal replaces the token; the one that it was asked with counts on for a while, in case the answer was lost.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock, Table, TableDefinition } from '@dunlin/broker';
import { compareAndSet } from '../compare-and-set.ts';
import { digestOf } from '../credentials/stored-tokens.ts';
import type { ServiceParts } from '../ports.ts';
import type { RegisteredDevice } from '../registry/registry.ts';

interface StoredRenewal {
  readonly sha256: Uint8Array;
  /** Wall clock. */
  readonly expiresAtMs: number;
}

export interface RenewalRecord {
  /** Of the device: those of one that was removed count no longer. */
  readonly generation: string;
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

  /** `overlapMs`: for how long a token counts that was replaced. */
  constructor({ tables, clock }: ServiceParts, overlapMs: number) {
    this.#table = tables.table(RENEWALS);
    this.#clock = clock;
    this.#overlapMs = overlapMs;
  }

  /** Makes the only token that the device has. Resolves when it survives a crash. */
  issue(registered: RegisteredDevice, expiresAtMs: number): Promise<RenewalToken> {
    return this.#write(registered, expiresAtMs, () => []);
  }

  /** Makes one in place of that which was shown, or of the one in use. Resolves when it survives a crash. */
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
    return (
      isRight && FORM.test(token) && registered !== undefined && record?.value.generation === registered.generation
    );
  }

  /** Until when the device may renew by token; undefined where it may not. */
  async endOf({ device, generation }: RegisteredDevice): Promise<number | undefined> {
    const value = (await this.#table.get(device.id))?.value;
    return value?.generation === generation ? value.tokens[0]?.expiresAtMs : undefined;
  }

  /** From when it settles on the device has no token. */
  async revoke(deviceId: string): Promise<void> {
    await this.#table.delete(deviceId);
  }

  close(): Promise<void> {
    return this.#table.close();
  }

  async #write(
    { device, generation }: RegisteredDevice,
    expiresAtMs: number,
    kept: (tokens: readonly StoredRenewal[]) => readonly StoredRenewal[],
  ): Promise<RenewalToken> {
    const token = `dr_${randomBytes(24).toString('base64url')}`;
    await compareAndSet(this.#table, device.id, (record) => {
      const former = record?.value.generation === generation ? record.value.tokens : [];
      const tokens = [{ sha256: digestOf(token), expiresAtMs }, ...kept(former)];
      return this.#table.put(device.id, { generation, tokens }, record?.revision ?? 0);
    });
    return { token, expiresAtMs };
  }
}
