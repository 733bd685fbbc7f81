/**
 * Provisioning by claim: a device asks for a place and shows a code; its owner enters the code; the device collects what it
 * connects with. What is public about a claim, its id and its code, gets nobody any credentials: the secret does, which the
 * device alone has.
 *
 * Every step is one write that either is there or is not: a crash leaves the state before it or the one after. What has to be
 * done besides (the device in the registry, its certificate) is done again by whoever comes next.
 */
import { createHash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import { RevisionConflict, type Table, type TableRecord, type Timer } from '@dunlin/broker';
import { quoted } from '@dunlin/protocol';
import { actingAs, actingForService } from '../actor.ts';
import { compareAndSet } from '../compare-and-set.ts';
import { DeviceError, throwProblems } from '../device-error.ts';
import type { ClaimLimits } from '../limits/claim-limits.ts';
import type { ServiceParts } from '../ports.ts';
import { ATTRIBUTE_VALUE_EXPECTED, isAttributeValue } from '../registry/device-input.ts';
import type { RegisteredDevice, Registry } from '../registry/registry.ts';
import type { DeviceTypes } from '../registry/types.ts';
import { Turns } from '../turns.ts';
import { CLAIMS, type Claim } from './claim.ts';
import { newCode, readCode } from './claim-code.ts';
import { type CredentialDesk, type DeviceCredentials, type Issuing, wantsCertificate } from './device-credentials.ts';
import { OpenClaims } from './open-claims.ts';
import { seal, unseal } from './sealed.ts';
import { type Guesser, WrongCodes } from './wrong-codes.ts';

/** The Common Name that the request of a device has that has no id yet. */
export const CLAIM_COMMON_NAME = 'claim';

export interface ClaimInput {
  readonly type: string;
  /** What the device says of itself: names that `claimAttributes` of its type has. */
  readonly attributes?: Readonly<Record<string, string>>;
  /** PKCS#10 (PEM) with the Common Name `claim`, for a key that was in no certificate. Default: a key is made here. */
  readonly csr?: string;
}

/** What a device is answered; `secret` is shown this once. */
export interface BegunClaim {
  readonly claimId: string;
  readonly secret: string;
  readonly code: string;
  /** Wall clock. */
  readonly expiresAtMs: number;
}

export interface ConfirmOptions extends Guesser {
  /** Who asks, for events. */
  readonly by: string;
  /** Of the device, for people. */
  readonly name?: string | undefined;
  /** Beside those that the device said, and in their place. For programs: what an owner says decides nothing. */
  readonly attributes?: Readonly<Record<string, string>> | undefined;
  /** Id of a device of this owner and of the same type that the claim is for, in place of a new one. */
  readonly replaces?: string | undefined;
}

export type Collected =
  | { readonly state: 'pending'; readonly expiresAtMs: number }
  | { readonly state: 'ready'; readonly deviceId: string; readonly credentials: DeviceCredentials };

/** A claim as operators see it: nothing of it confirms or collects. */
export interface ShownClaim {
  readonly claimId: string;
  readonly type: string;
  /** What the device says of itself, which nobody vouches for. */
  readonly attributes: Readonly<Record<string, string>>;
  /** Where the device is. */
  readonly address: string;
  readonly state: 'open' | 'confirmed' | 'collected';
  /** From `confirmed` on, as the other. */
  readonly owner: string | undefined;
  readonly deviceId: string | undefined;
  /** Wall clock, as the other. */
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
}

export interface ClaimPage {
  readonly claims: readonly ShownClaim[];
  readonly cursor: string | undefined;
}

export interface ClaimParts extends ServiceParts {
  readonly registry: Registry;
  readonly types: DeviceTypes;
  readonly desk: CredentialDesk;
  /** Undefined: no certificates are issued. */
  readonly issuing: Issuing | undefined;
  readonly limits: ClaimLimits;
}

type Found = TableRecord<Claim>;

const SWEEP_EACH_MS = 10_000;
const PAGE = 100;
const CLAIM_ID = /^[\w-]{16}$/;
const NONE = Buffer.alloc(32);

export class Claims {
  readonly #parts: ClaimParts;
  readonly #table: Table<Claim>;
  readonly #open: OpenClaims;
  readonly #wrong: WrongCodes;
  /** By id of the claim. */
  readonly #turns = new Turns();
  readonly #timer: Timer;
  readonly #end: () => void;
  #sweeping: Promise<void> | undefined;

  private constructor(parts: ClaimParts) {
    this.#parts = parts;
    this.#table = parts.tables.table(CLAIMS);
    this.#open = new OpenClaims(parts.clock, parts.limits);
    this.#wrong = new WrongCodes(parts.clock, parts.limits);
    this.#timer = parts.clock.every(SWEEP_EACH_MS, () => void this.sweep());
    this.#end = parts.registry.onRemoval((deviceId) => this.#endOf(deviceId));
  }

  /** Takes up the claims that there are: as many as `claimsMax` at the most. Nothing is left open where it rejects. */
  static async open(parts: ClaimParts): Promise<Claims> {
    const claims = new Claims(parts);
    try {
      await claims.#takeUp();
      return claims;
    } catch (error) {
      await claims.close();
      throw error;
    }
  }

  /** Claims that have not ended. */
  get size(): number {
    return this.#open.size;
  }

  /**
   * A device asks for a place. Resolves when that survives a crash.
   * @throws DeviceError 'claim-type', 'claim-limit', 'invalid'; CertificateError for a request that cannot be used
   */
  async begin(input: ClaimInput, address: string): Promise<BegunClaim> {
    const code = this.#takePlace(address);
    try {
      return await this.#begin(code, input, address);
    } catch (error) {
      this.#open.remove(code);
      throw error;
    }
  }

  async #begin(code: string, { type, attributes = {}, csr }: ClaimInput, address: string): Promise<BegunClaim> {
    this.#checkType(type, csr, attributes);
    if (csr !== undefined) await this.#parts.issuing?.certificates.checkRequest(csr, CLAIM_COMMON_NAME);
    const createdAtMs = this.#parts.clock.nowMs();
    // No secret, and a word on a command line.
    const claimId = randomBytes(8).toString('hex');
    const secret = `cs_${randomBytes(32).toString('base64url')}`;
    const expiresAtMs = createdAtMs + this.#parts.limits.claimCodeS * 1_000;
    const claim: Claim = {
      id: claimId,
      type,
      attributes: { ...attributes },
      csr,
      address,
      secretHash: hashOf(secret),
      createdAtMs,
      expiresAtMs,
      state: { kind: 'open' },
    };
    await actingAs(actorOf(claimId), () => this.#put(code, claim, 0));
    this.#parts.tell({ name: 'claimBegun', claimId, type, address });
    return { claimId, secret, code, expiresAtMs };
  }

  /**
   * The owner enters the code: a device is made, or one that the owner has gets other credentials. The same owner may enter
   * it again, because an answer was lost, and gets the same device. Resolves when that survives a crash.
   * @throws DeviceError 'claim-code' alike for whatever is no open claim, 'claim-guesses', 'invalid', 'unknown-device'
   */
  async confirm(typed: string, options: ConfirmOptions): Promise<{ claimId: string; registered: RegisteredDevice }> {
    const code = readCode(typed);
    // What cannot be a code tries none.
    if (code === undefined) throw codeUnknown();
    const { owner, address = '' } = options;
    if (!this.#wrong.take(options)) {
      const detail = `${quoted(owner)} at ${address === '' ? 'a program' : address}`;
      this.#parts.tell({ name: 'deviceLimitReached', limit: 'wrongCodes', deviceId: '', detail });
      throw new DeviceError('claim-guesses', 'Cannot take a code: too many were wrong lately; wait an hour');
    }
    const found = await compareAndSet(this.#table, code, (record) => this.#confirm(record, options)).catch(
      (error: unknown) => {
        // Whatever is wrong besides: the code was right.
        this.#wrong.giveBack(options);
        throw error;
      },
    );
    if (found === undefined) {
      this.#parts.tell({ name: 'claimCodeWrong', owner, address });
      throw codeUnknown();
    }
    this.#wrong.giveBack(options);
    const claimId = found.value.id;
    return this.#turns.run(claimId, async () => {
      const now = await this.#table.get(code);
      if (now?.value.id !== claimId) throw claimUnknown();
      return { claimId, registered: await this.#deviceOf(await this.#made(now)) };
    });
  }

  /**
   * The device asks for what it connects with: `pending` until its owner has entered the code, then once, and for a short
   * while the same again. Afterwards there is no such claim.
   * @throws DeviceError 'unknown-claim' alike for whatever is none of this secret, 'claim-revoked' where what was collected
   *   was revoked since; CertificateError
   */
  async collect(claimId: string, secret: string): Promise<Collected> {
    const claim = await this.#ofSecret(claimId, secret);
    if (claim.value.state.kind === 'open') return { state: 'pending', expiresAtMs: claim.value.expiresAtMs };
    return this.#turns.run(claimId, () => actingAs(actorOf(claimId), () => this.#collect(claimId, secret)));
  }

  /** A page of the claims whose time is not over, those that end first in front; fewer than `limit` where some were over. */
  async list({ cursor, limit }: { readonly cursor?: string; readonly limit: number }): Promise<ClaimPage> {
    const page = await this.#table.scan({ index: 'expires', limit, ...(cursor !== undefined && { cursor }) });
    const nowMs = this.#parts.clock.nowMs();
    const claims = page.records.filter(({ value }) => nowMs < value.expiresAtMs).map(({ value }) => shownClaim(value));
    return { claims, cursor: page.cursor };
  }

  /** Whether the owner of a device has entered its code, and it has not collected yet. */
  async isAwaited(deviceId: string): Promise<boolean> {
    const { records } = await this.#table.scan({ index: 'device', exact: deviceId, limit: PAGE });
    const nowMs = this.#parts.clock.nowMs();
    return records.some(({ value: { state, expiresAtMs } }) => state.kind !== 'collected' && nowMs < expiresAtMs);
  }

  /**
   * Ends a claim before its device has collected: nobody gets anything for it any more. A device that was made for it stays
   * in the registry. Resolves with the claim as it was, when that survives a crash.
   * @throws DeviceError 'unknown-claim', also where it was collected
   */
  async refuse(claimId: string): Promise<ShownClaim> {
    return this.#turns.run(claimId, async () => {
      const code = (await this.#ofId(claimId))?.key ?? '';
      const refused =
        code === '' ? undefined : await compareAndSet(this.#table, code, (found) => this.#refuse(found, claimId));
      if (refused !== undefined) return refused;
      throw new DeviceError(
        'unknown-claim',
        `Cannot refuse the claim ${quoted(claimId.slice(0, 128))}: the id of one that was not collected is expected`,
      );
    });
  }

  /** Forgets claims whose time is over. */
  sweep(): Promise<void> {
    this.#sweeping ??= actingForService(() => this.#sweepAll())
      .catch((error) => this.#parts.tell({ name: 'deviceServiceFailed', error: String(error) }))
      .finally(() => {
        this.#sweeping = undefined;
      });
    return this.#sweeping;
  }

  async close(): Promise<void> {
    this.#timer.cancel();
    this.#end();
    await this.#sweeping;
    await this.#table.close();
  }

  async #takeUp(): Promise<void> {
    let cursor: string | undefined;
    do {
      const page = await this.#table.scan({ limit: PAGE, ...(cursor !== undefined && { cursor }) });
      for (const { key, value } of page.records) this.#open.add(key, value.address);
      cursor = page.cursor;
    } while (cursor !== undefined);
  }

  async #collect(claimId: string, secret: string): Promise<Collected> {
    const found = await this.#made(await this.#ofSecret(claimId, secret));
    const { state, csr } = found.value;
    if (state.kind === 'collected')
      return this.#parts.desk.sameAgain(JSON.parse(unseal(state.sealed, secret, claimId)));
    const registered = await this.#deviceOf(found);
    const by = `claim:${claimId}`;
    const credentials = await this.#parts.desk.provide(registered, { csr, csrName: CLAIM_COMMON_NAME, by });
    const answer: Collected = { state: 'ready', deviceId: registered.device.id, credentials };
    await this.#keep(found, seal(JSON.stringify(answer), secret, claimId));
    this.#parts.tell({ name: 'claimEnded', claimId, why: 'collected' });
    return answer;
  }

  /** Counts a claim more from there, under a code that no other one has, from here on. @throws DeviceError 'claim-limit' */
  #takePlace(address: string): string {
    const limit = this.#open.reached(address);
    if (limit === undefined) {
      for (;;) {
        const code = newCode();
        if (this.#open.add(code, address)) return code;
      }
    }
    const detail = `${this.#parts.limits[limit]} are allowed; one came from ${address}`;
    this.#parts.tell({ name: 'deviceLimitReached', limit, deviceId: '', detail });
    throw new DeviceError('claim-limit', `Cannot begin a claim: ${limit} allows no more just now; try again later`);
  }

  /** @throws DeviceError 'claim-type', 'invalid' */
  #checkType(name: string, csr: string | undefined, attributes: Claim['attributes']): void {
    const type = this.#parts.types.get(name)?.type;
    if (type?.claimable !== true) throw notClaimable(name, 'a type with claimable: true is expected');
    const wants = wantsCertificate(this.#parts.types, name, csr);
    if (wants && this.#parts.issuing === undefined) throw notClaimable(name, 'devices.authority is expected for it');
    const { claimAttributes = [], credential } = type;
    const problems = Object.entries(attributes).flatMap(([attribute, value]) => {
      if (!claimAttributes.includes(attribute))
        return [
          `a device may not say the attribute ${quoted(attribute)} of itself: one of claimAttributes is expected`,
        ];
      return isAttributeValue(value) ? [] : [`attributes.${attribute}: ${ATTRIBUTE_VALUE_EXPECTED} is expected`];
    });
    if (csr !== undefined && credential === 'token') problems.push('csr: none is expected, its devices show tokens');
    throwProblems('begin a claim', problems);
  }

  /** The claim as it is with its code used; undefined where the code is none of this owner's. */
  async #confirm(record: Found | undefined, options: ConfirmOptions): Promise<Found | undefined> {
    const nowMs = this.#parts.clock.nowMs();
    if (record === undefined || nowMs >= record.value.expiresAtMs) return undefined;
    const { key, value, revision } = record;
    if (value.state.kind !== 'open') return value.state.owner === options.owner ? record : undefined;
    const state = await this.#confirmedState(value, options);
    const expiresAtMs = nowMs + this.#parts.limits.claimCodeS * 1_000;
    const next: Claim = { ...value, expiresAtMs, state };
    const written = await this.#table.put(key, next, revision);
    this.#parts.tell({ name: 'claimConfirmed', claimId: value.id, deviceId: state.deviceId, owner: options.owner });
    return { key, value: next, revision: written };
  }

  /** @throws DeviceError 'invalid', 'unknown-device': the code was right then, and can be entered again */
  async #confirmedState({ type, attributes: said }: Claim, options: ConfirmOptions) {
    const { owner, by, name = '', replaces } = options;
    const { registry } = this.#parts;
    if (replaces === undefined) {
      const device = { id: randomUUID(), type, name, owner, attributes: { ...said, ...options.attributes } };
      await registry.put(device, { by, isDryRun: true });
      const { id: deviceId, attributes } = device;
      return { kind: 'confirming', owner, deviceId, name, attributes } as const;
    }
    const registered = await registry.get(replaces);
    if (registered?.device.owner !== owner || registered.device.type !== type)
      throw new DeviceError(
        'unknown-device',
        `Cannot replace ${quoted(replaces.slice(0, 128))}: a device of this owner and of the type ${type} is expected`,
      );
    const { generation, trust } = registered;
    return { kind: 'confirmed', owner, deviceId: replaces, generation, trust } as const;
  }

  /** The claim with its device in the registry, which a crash may have come before. */
  async #made(found: Found): Promise<Found> {
    const { key, value, revision } = found;
    const { state, type } = value;
    if (state.kind !== 'confirming') return found;
    const { owner, deviceId, name, attributes } = state;
    const { registry } = this.#parts;
    const device = { id: deviceId, type, name, attributes, owner };
    const added = await registry.add(device, `owner:${owner}`).catch((error: unknown) => {
      // Nobody else can have had this id: it was made before the crash.
      if (error instanceof DeviceError && error.code === 'device-exists') return registry.get(deviceId);
      throw error;
    });
    if (added === undefined) throw claimUnknown();
    const { generation } = added;
    // As it was made: what has happened to it since counts, also where a crash came in between.
    const next: Claim = { ...value, state: { kind: 'confirmed', owner, deviceId, generation, trust: 0 } };
    return { key, value: next, revision: await this.#put(key, next, revision) };
  }

  /** @throws DeviceError 'unknown-claim' where the device is gone, somebody else's, disabled or has lost its credentials */
  async #deviceOf({ value: { state } }: Found): Promise<RegisteredDevice> {
    if (state.kind !== 'confirmed' && state.kind !== 'collected') throw claimUnknown();
    const registered = await this.#parts.registry.get(state.deviceId);
    const isSame = registered?.generation === state.generation && registered.trust === state.trust;
    if (!isSame || registered.device.owner !== state.owner || !registered.device.enabled) throw claimUnknown();
    return registered;
  }

  /** Undefined where there is nothing to refuse. */
  async #refuse(found: Found | undefined, claimId: string): Promise<ShownClaim | undefined> {
    if (found === undefined || found.value.id !== claimId || found.value.state.kind === 'collected') return undefined;
    if (this.#parts.clock.nowMs() >= found.value.expiresAtMs) return undefined;
    await this.#table.delete(found.key, found.revision);
    this.#open.remove(found.key);
    this.#parts.tell({ name: 'claimEnded', claimId, why: 'refused' });
    return shownClaim(found.value);
  }

  async #ofId(claimId: string): Promise<Found | undefined> {
    const exact = CLAIM_ID.test(claimId) ? claimId : '-';
    return (await this.#table.scan({ index: 'id', exact, limit: 1 })).records[0];
  }

  /** Whoever asks without the secret learns nothing, not even whether there is such a claim. */
  async #ofSecret(claimId: string, secret: string): Promise<Found> {
    const found = await this.#ofId(claimId);
    const isIt = timingSafeEqual(hashOf(secret), found?.value.secretHash ?? NONE);
    if (found === undefined || !isIt || this.#parts.clock.nowMs() >= found.value.expiresAtMs) throw claimUnknown();
    return found;
  }

  async #keep({ key, value, revision }: Found, sealed: Uint8Array): Promise<void> {
    const { state } = value;
    if (state.kind !== 'confirmed') throw claimUnknown();
    const expiresAtMs = this.#parts.clock.nowMs() + this.#parts.limits.claimCollectAgainS * 1_000;
    await this.#put(
      key,
      { ...value, csr: undefined, expiresAtMs, state: { ...state, kind: 'collected', sealed } },
      revision,
    );
  }

  /** @throws DeviceError 'changed-meanwhile' */
  async #put(code: string, claim: Claim, expected: number): Promise<number> {
    try {
      return await this.#table.put(code, claim, expected);
    } catch (error) {
      if (!(error instanceof RevisionConflict)) throw error;
      throw new DeviceError('changed-meanwhile', 'Cannot go on with the claim: somebody else did; try again');
    }
  }

  async #sweepAll(): Promise<void> {
    const nowMs = this.#parts.clock.nowMs();
    for (;;) {
      const { records } = await this.#table.scan({ index: 'expires', limit: PAGE });
      const due = records.filter(({ value }) => value.expiresAtMs <= nowMs);
      for (const one of due) await this.#forget(one, 'expired');
      if (due.length < PAGE) return;
    }
  }

  /** Ends the claims for a device that was removed. */
  async #endOf(deviceId: string): Promise<void> {
    let cursor: string | undefined;
    do {
      const page = { index: 'device', exact: deviceId, limit: PAGE, ...(cursor !== undefined && { cursor }) };
      const found = await this.#table.scan(page);
      for (const one of found.records) await this.#forget(one, 'removed');
      cursor = found.cursor;
    } while (cursor !== undefined);
  }

  async #forget({ key, value, revision }: Found, why: 'expired' | 'removed'): Promise<void> {
    try {
      // One whose time is over may just have been confirmed.
      await this.#table.delete(key, why === 'expired' ? revision : undefined);
    } catch (error) {
      if (!(error instanceof RevisionConflict)) throw error;
      return;
    }
    this.#open.remove(key);
    if (value.state.kind !== 'collected') this.#parts.tell({ name: 'claimEnded', claimId: value.id, why });
  }
}

/** For the audit log: a device that has no id yet, and has shown the secret of its claim, or just got it. */
function actorOf(claimId: string): { readonly by: string } {
  return { by: `claim:${claimId}` };
}

/** Without code and secret. */
function shownClaim({ id, type, attributes, address, state, createdAtMs, expiresAtMs }: Claim): ShownClaim {
  const { owner, deviceId } = state.kind === 'open' ? {} : state;
  // Its code was used: that the device has to be made yet is nobody's concern.
  const word = state.kind === 'confirming' ? 'confirmed' : state.kind;
  return { claimId: id, type, attributes, address, state: word, owner, deviceId, createdAtMs, expiresAtMs };
}

function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

function notClaimable(type: string, expected: string): DeviceError {
  return new DeviceError('claim-type', `Cannot begin a claim for the type ${quoted(type.slice(0, 64))}: ${expected}`);
}

function codeUnknown(): DeviceError {
  return new DeviceError(
    'claim-code',
    'Cannot find a device that shows this code: it is wrong, was used, or is too old',
  );
}

function claimUnknown(): DeviceError {
  return new DeviceError('unknown-claim', 'Cannot find this claim with this secret: a device has to begin anew');
}
