/**
 * The tokens of devices: made here and shown once, or brought along from elsewhere. A device has several, so that one can be
 * replaced while the other is still in use.
 */
import { timingSafeEqual } from 'node:crypto';
import type { Awaitable, Clock, Table, TableDefinition, TableRecord } from '@dunlin/broker';
import { hashPassword, isReadable, type PasswordVerifier, parseHash } from '@dunlin/identity';
import { quoted } from '@dunlin/protocol';
import { after } from '../awaitable.ts';
import { compareAndSet, takeBack } from '../compare-and-set.ts';
import type { Device } from '../device.ts';
import { DeviceError, throwProblems } from '../device-error.ts';
import { CREDENTIAL_LIMITS } from '../limits/credential-limits.ts';
import type { ServiceParts } from '../ports.ts';
import type { RegisteredDevice, Registry } from '../registry/registry.ts';
import {
  digestOf,
  endOf,
  isShort,
  LONG_TOKEN_BYTES,
  newToken,
  newTokenId,
  paddedDigests,
  type StoredToken,
  type StoredTokens,
  TOKEN_BYTES_MAX,
  type TokenInfo,
  tokenInfo,
} from './stored-tokens.ts';
import { TokenUses } from './token-uses.ts';

export interface IssueOptions {
  /** Who asks for it, for events. */
  readonly by: string;
  /** Seconds after which it counts no longer, up to 100 years. Default: it never ends. */
  readonly expiresInS?: number;
  /** For people, up to 128 characters. */
  readonly label?: string;
}

export interface RotateOptions extends IssueOptions {
  /** Seconds for which the tokens that the device has count on, 0 to 31,536,000. Default: a day. */
  readonly overlapS?: number;
}

/** `token` is shown this once and stands nowhere afterwards. */
export interface IssuedToken {
  readonly tokenId: string;
  readonly token: string;
  readonly expiresAtMs: number;
}

export type TokenVerdict =
  | { readonly kind: 'right'; readonly tokenId: string; readonly endsAtMs: number }
  /** It was right once. */
  | { readonly kind: 'expired'; readonly tokenId: string; readonly endsAtMs: number }
  /** `hasTokens`: the device has any, also where none of them counts any longer. */
  | { readonly kind: 'wrong'; readonly hasTokens: boolean }
  /** Too many short tokens wait to be checked; nothing is known of this one. */
  | { readonly kind: 'busy' };

/** The tokens as they are now, none where the device was removed. */
export type TokensListener = (deviceId: string, tokens: readonly TokenInfo[]) => void;

const DAY_S = 86_400;
const EXPIRY_MAX_S = 3_155_760_000;
const OVERLAP_MAX_S = 31_536_000;
const LABEL_CHARACTERS_MAX = 128;
/** Short tokens that wait to be hashed for an import: a few seconds of work. */
const HASHING_MAX = 100;
/** What an unknown device costs where short tokens are in use: argon2id as it is written. */
const LIKE_SHORT = parseHash(`$argon2id$v=19$m=19456,t=2,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`);

export const TOKENS: TableDefinition<StoredTokens> = {
  name: 'device-tokens',
  indexes: { short: ({ tokens }) => (tokens.some(isShort) ? ['short'] : []) },
};

export class Tokens {
  readonly #table: Table<StoredTokens>;
  readonly #registry: Registry;
  readonly #clock: Clock;
  readonly #tell: ServiceParts['tell'];
  readonly #verifier: PasswordVerifier;
  readonly #perDeviceMax: number;
  readonly #ends: (() => void)[];
  readonly #uses: TokenUses;
  /** Whether a device has a short token, once that was asked; then every failed check costs what one of those costs. */
  #hasShort: boolean | undefined;
  /** A device that was let in lately: what is read of it is what an unknown one costs. */
  #likeness = '';
  /** Short tokens that are being hashed or wait for it. */
  #hashing = 0;
  #lastHash: Promise<unknown> = Promise.resolve();

  /** `verifier`: that of the server, which bounds what short tokens cost. `perDeviceMax`: `tokensPerDeviceMax`. */
  constructor(
    parts: ServiceParts,
    registry: Registry,
    verifier: PasswordVerifier,
    perDeviceMax: number = CREDENTIAL_LIMITS.tokensPerDeviceMax.default,
  ) {
    const { tables, clock, tell } = parts;
    this.#table = tables.table(TOKENS);
    this.#registry = registry;
    this.#clock = clock;
    this.#tell = tell;
    this.#verifier = verifier;
    this.#perDeviceMax = perDeviceMax;
    this.#uses = new TokenUses(parts);
    this.#ends = [
      registry.onRemoval(async (deviceId) => {
        await this.#table.delete(deviceId);
        await this.#uses.forget(deviceId);
      }),
      this.#table.watch('', ({ record }) => {
        if (record?.value.tokens.some(isShort)) this.#hasShort = true;
      }),
    ];
  }

  /**
   * Makes a token; resolves when it survives a crash.
   * @throws DeviceError 'unknown-device', 'credential-kind', 'token-limit', 'invalid'
   */
  async issue(deviceId: string, options: IssueOptions): Promise<IssuedToken> {
    checkOptions(options);
    const token = newToken();
    return {
      ...(await this.#add(deviceId, digestText(token), options, (tokens) => this.#room(deviceId, tokens))),
      token,
    };
  }

  /**
   * Takes a token that the device has already. One of 32 bytes and more is kept as SHA-256, a shorter one as argon2id, which
   * costs 25 ms a check; a device has one such at the most.
   * @throws DeviceError 'unknown-device', 'credential-kind', 'token-limit', 'invalid', 'busy'
   */
  async importToken(deviceId: string, token: string, options: IssueOptions): Promise<Omit<IssuedToken, 'token'>> {
    checkOptions(options);
    checkText(token);
    const bytes = Buffer.from(token);
    if (bytes.length >= LONG_TOKEN_BYTES)
      return this.#add(deviceId, digestText(bytes), options, (tokens) => this.#room(deviceId, tokens));
    const makeRoom = (tokens: readonly StoredToken[]) => this.#shortRoom(deviceId, tokens);
    // What would be refused anyway costs no hash.
    const registered = await this.#registry.get(deviceId);
    if (registered === undefined) throw unknownDevice(deviceId);
    this.#checkType(deviceId, registered.device.type);
    const record = await this.#table.get(deviceId);
    makeRoom(record?.value.generation === registered.generation ? record.value.tokens : []);
    return this.#add(deviceId, await this.#hashShort(deviceId, bytes), options, makeRoom);
  }

  /** Whether a text can be a token that is imported for a device of the type. @throws DeviceError 'credential-kind', 'invalid' */
  checkImport(token: string, deviceId: string, type: string): void {
    this.#checkType(deviceId, type);
    checkText(token);
  }

  /** @throws DeviceError 'credential-kind' */
  #checkType(deviceId: string, type: string): void {
    if (this.#registry.credentialOf(type) !== 'certificate') return;
    throw new DeviceError(
      'credential-kind',
      `Cannot give ${quoted(deviceId)} a token: devices of the type ${quoted(type)} come in with certificates only; a certificate is expected`,
    );
  }

  /**
   * Imports a token unless it is one of the device already, be it one that has ended; true where it was not.
   * @throws DeviceError as `importToken`, and 'busy'
   */
  async importOnce(deviceId: string, token: string, by: string): Promise<boolean> {
    const verdict = await this.check(await this.#registry.get(deviceId), Buffer.from(token));
    if (verdict.kind === 'busy')
      throw new DeviceError(
        'busy',
        `Cannot import a token of ${quoted(deviceId)}: too many short ones wait to be checked`,
      );
    if (verdict.kind !== 'wrong') return false;
    await this.importToken(deviceId, token, { by });
    return true;
  }

  /**
   * Makes a token in place of those that the device has, which count on for a while. Where there is no room the one of them
   * that ends first goes now.
   * @throws DeviceError 'unknown-device', 'credential-kind', 'invalid'
   */
  async rotate(deviceId: string, options: RotateOptions): Promise<IssuedToken> {
    checkOptions(options);
    const { overlapS = DAY_S } = options;
    if (!Number.isInteger(overlapS) || overlapS < 0 || overlapS > OVERLAP_MAX_S)
      throwProblems('rotate a token', [
        `overlapS is ${overlapS}: a whole number from 0 to ${OVERLAP_MAX_S} is expected`,
      ]);
    const token = newToken();
    const overlapEndsAtMs = this.#clock.nowMs() + overlapS * 1_000;
    const nowMs = this.#clock.nowMs();
    let early: readonly StoredToken[] = [];
    const makeRoom = (tokens: readonly StoredToken[]): readonly StoredToken[] => {
      const ending = tokens
        .map((one) => ({ ...one, overlapEndsAtMs: Math.min(one.overlapEndsAtMs ?? Infinity, overlapEndsAtMs) }))
        .sort((one, other) => endOf(other) - endOf(one) || other.createdAtMs - one.createdAtMs);
      early = ending.slice(this.#perDeviceMax - 1).filter((one) => endOf(one) > nowMs);
      return ending.slice(0, this.#perDeviceMax - 1);
    };
    const issued = await this.#add(deviceId, digestText(token), options, makeRoom);
    if (early.length > 0) {
      const detail = `${early.length} made room for a new one before their end, ${this.#perDeviceMax} are allowed`;
      this.#tell({ name: 'deviceLimitReached', limit: 'tokensPerDeviceMax', deviceId, detail });
    }
    return { ...issued, token };
  }

  /**
   * Takes a token away; who is connected with it goes. The device gets no other one by what it was given before. Resolves when
   * that survives a crash.
   * @throws DeviceError 'unknown-device', 'unknown-token'
   */
  async revoke(deviceId: string, tokenId: string, by: string): Promise<void> {
    await this.#registry.withdrawTrust(deviceId);
    await this.#update(deviceId, (tokens) => {
      const rest = tokens.filter(({ id }) => id !== tokenId);
      if (rest.length === tokens.length)
        throw new DeviceError(
          'unknown-token',
          `Cannot revoke a token of ${quoted(deviceId)}: it has none of the id ${quoted(tokenId)}`,
        );
      return rest;
    });
    this.#revoked(deviceId, tokenId, by);
  }

  /** Takes all tokens away from a device that is given others in their place; else as `revoke`. @throws DeviceError 'unknown-device' */
  async clear(registered: RegisteredDevice, by: string): Promise<void> {
    const { id } = registered.device;
    if ((await this.list(registered)).length === 0) return;
    let gone: readonly StoredToken[] = [];
    await this.#update(id, (tokens) => {
      gone = tokens;
      return [];
    });
    for (const token of gone) this.#revoked(id, token.id, by);
  }

  /** What may be seen of the tokens of a device, those that have ended included until others need their room. */
  list({ device, generation }: RegisteredDevice): Awaitable<readonly TokenInfo[]> {
    return after(this.#table.get(device.id), (record) => {
      if (record?.value.generation !== generation) return [];
      const { tokens } = record.value;
      return after(this.#uses.of(device.id), (uses) => tokens.map((token) => tokenInfo(token, uses[token.id])));
    });
  }

  /**
   * Whether a token is one of the device. `registered`: what the registry has under the id that was presented; for
   * `undefined` the same is read, hashed and compared, and the answer is `wrong`. `gone`: as in AuthenticationRequest.
   */
  check(registered: RegisteredDevice | undefined, presented: Uint8Array, gone?: AbortSignal): Awaitable<TokenVerdict> {
    const digest = digestOf(presented.subarray(0, TOKEN_BYTES_MAX));
    return after(registered ?? this.#registry.get(this.#likeness), (like) =>
      after(like && this.#table.get(like.device.id), (record) => {
        const tokens = record?.value.tokens ?? [];
        let found: StoredToken | undefined;
        for (const [index, one] of paddedDigests(tokens, this.#perDeviceMax).entries())
          if (timingSafeEqual(one, digest)) found = tokens[index];
        const isOwn = registered !== undefined && record?.value.generation === registered.generation;
        const own = isOwn ? record : undefined;
        if (own !== undefined && found !== undefined && presented.length <= TOKEN_BYTES_MAX)
          return this.#settle(own, found);
        return this.#checkShort(own, presented, gone);
      }),
    );
  }

  /** Calls `listener` after each change, until the function that it returns is called. */
  onChange(listener: TokensListener): () => void {
    return this.#table.watch('', ({ key, record }) =>
      listener(key, record?.value.tokens.map((token) => tokenInfo(token)) ?? []),
    );
  }

  async close(): Promise<void> {
    for (const end of this.#ends) end();
    await this.#uses.close();
    await this.#table.close();
  }

  /** What has failed until here costs the same whether the device has a short token, another one or does not exist. */
  #checkShort(
    record: TableRecord<StoredTokens> | undefined,
    presented: Uint8Array,
    gone: AbortSignal | undefined,
  ): Awaitable<TokenVerdict> {
    if (presented.length === 0 || presented.length >= LONG_TOKEN_BYTES) return wrong(record);
    return after(record?.value.tokens.some(isShort) === true || this.#isAnyShort(), (isAny) =>
      isAny ? this.#verifyShort(record, presented, gone) : wrong(record),
    );
  }

  #isAnyShort(): Awaitable<boolean> {
    if (this.#hasShort !== undefined) return this.#hasShort;
    return after(this.#table.scan({ index: 'short', limit: 1 }), ({ records }) => {
      // The table may have told of one meanwhile.
      this.#hasShort ||= records.length > 0;
      return this.#hasShort;
    });
  }

  async #verifyShort(
    record: TableRecord<StoredTokens> | undefined,
    presented: Uint8Array,
    gone: AbortSignal | undefined,
  ): Promise<TokenVerdict> {
    const token = record?.value.tokens.find(isShort);
    if (record === undefined || token === undefined) {
      const spent = await this.#verifier.pretend('', LIKE_SHORT, presented, gone);
      return spent === 'busy' ? { kind: 'busy' } : wrong(record);
    }
    const owner = ownerOf(record.key, token.id);
    const verdict = await this.#verifier.verify(owner, parseHash(token.hash), presented, gone);
    if (verdict !== 'right') return verdict === 'wrong' ? wrong(record) : { kind: verdict };
    // It may have been revoked meanwhile: what counts is what is there now.
    const now = await this.#table.get(record.key);
    const same = now?.value.tokens.find(({ id, hash }) => id === token.id && hash === token.hash);
    return now === undefined || same === undefined ? wrong(now) : this.#settle(now, same);
  }

  #settle(record: TableRecord<StoredTokens>, token: StoredToken): TokenVerdict {
    const endsAtMs = endOf(token);
    const nowMs = this.#clock.nowMs();
    if (nowMs >= endsAtMs) return { kind: 'expired', tokenId: token.id, endsAtMs };
    this.#likeness = record.key;
    this.#uses.note(record.key, token.id, nowMs);
    return { kind: 'right', tokenId: token.id, endsAtMs };
  }

  /** One after the other: an import takes what one core does, and leaves the others to devices. @throws DeviceError 'busy' */
  async #hashShort(deviceId: string, token: Uint8Array): Promise<string> {
    if (this.#hashing >= HASHING_MAX)
      throw new DeviceError(
        'busy',
        `Cannot import a token of ${quoted(deviceId)}: ${HASHING_MAX} short ones wait to be hashed; fewer at once are expected`,
      );
    this.#hashing += 1;
    const mine = this.#lastHash
      .then(() => hashPassword(token))
      .finally(() => {
        this.#hashing -= 1;
      });
    this.#lastHash = mine.catch(() => undefined);
    return mine;
  }

  /** As `#room`, for a short one. @throws DeviceError 'token-limit' */
  #shortRoom(deviceId: string, tokens: readonly StoredToken[]): readonly StoredToken[] {
    const nowMs = this.#clock.nowMs();
    if (tokens.some((one) => isShort(one) && endOf(one) > nowMs))
      throw this.#limitReached(
        deviceId,
        'shortTokensPerDeviceMax',
        `it has one below ${LONG_TOKEN_BYTES} bytes, which is the most`,
      );
    return this.#room(
      deviceId,
      tokens.filter((one) => !isShort(one)),
    );
  }

  /** The tokens that may stay beside a new one: those that have ended go first. @throws DeviceError 'token-limit' */
  #room(deviceId: string, tokens: readonly StoredToken[]): readonly StoredToken[] {
    if (tokens.length < this.#perDeviceMax) return tokens;
    const nowMs = this.#clock.nowMs();
    const valid = tokens.filter((one) => endOf(one) > nowMs);
    if (valid.length < this.#perDeviceMax) return valid;
    const detail = `it has ${valid.length} that count, at most ${this.#perDeviceMax} (tokensPerDeviceMax) are expected`;
    throw this.#limitReached(deviceId, 'tokensPerDeviceMax', detail);
  }

  #limitReached(deviceId: string, limit: string, detail: string): DeviceError {
    this.#tell({ name: 'deviceLimitReached', limit, deviceId, detail });
    return new DeviceError('token-limit', `Cannot add a token to ${quoted(deviceId)}: ${detail}`);
  }

  #revoked(deviceId: string, tokenId: string, by: string): void {
    this.#verifier.forget(ownerOf(deviceId, tokenId));
    this.#tell({ name: 'tokenRevoked', deviceId, tokenId, by });
  }

  async #add(
    deviceId: string,
    hash: string,
    { by, expiresInS, label = '' }: IssueOptions,
    makeRoom: (tokens: readonly StoredToken[]) => readonly StoredToken[],
  ): Promise<Omit<IssuedToken, 'token'>> {
    const createdAtMs = this.#clock.nowMs();
    const expiresAtMs = expiresInS === undefined ? Infinity : createdAtMs + expiresInS * 1_000;
    let tokenId = '';
    await this.#update(deviceId, (tokens, { type }) => {
      this.#checkType(deviceId, type);
      const kept = makeRoom(tokens);
      tokenId = newTokenId(tokens);
      const ends = expiresInS !== undefined && { expiresAtMs };
      return [...kept, { id: tokenId, hash, label, createdAtMs, ...ends }];
    });
    this.#tell({ name: 'tokenIssued', deviceId, tokenId, expiresAtMs, by });
    return { tokenId, expiresAtMs };
  }

  async #update(
    deviceId: string,
    change: (tokens: readonly StoredToken[], device: Device) => readonly StoredToken[],
  ): Promise<void> {
    await compareAndSet(this.#table, deviceId, async (record) => {
      const registered = await this.#registry.get(deviceId);
      if (registered === undefined) throw unknownDevice(deviceId);
      const { generation, device } = registered;
      const tokens = change(record?.value.generation === generation ? record.value.tokens : [], device);
      const revision = await this.#table.put(deviceId, { generation, tokens }, record?.revision ?? 0);
      // It may have been removed, and its tokens taken away, before this one was there.
      if ((await this.#registry.get(deviceId))?.generation === generation) return;
      await takeBack(this.#table, deviceId, revision);
      throw unknownDevice(deviceId);
    });
  }
}

function wrong(record: TableRecord<StoredTokens> | undefined): TokenVerdict {
  return { kind: 'wrong', hasTokens: record !== undefined && record.value.tokens.length > 0 };
}

function digestText(token: Uint8Array | string): string {
  return digestOf(token).toString('base64url');
}

/** @throws DeviceError 'invalid' */
function checkText(token: string): void {
  const bytes = Buffer.byteLength(token);
  if (bytes >= 1 && bytes <= TOKEN_BYTES_MAX && token.isWellFormed()) return;
  throwProblems('import a token', [`the token has ${bytes} bytes: 1 to ${TOKEN_BYTES_MAX} of UTF-8 are expected`]);
}

function unknownDevice(deviceId: string): DeviceError {
  return new DeviceError('unknown-device', `Cannot change the tokens of ${quoted(deviceId)}: there is no such device`);
}

function checkOptions({ expiresInS, label = '' }: IssueOptions): void {
  const problems: string[] = [];
  if (expiresInS !== undefined && !(Number.isInteger(expiresInS) && expiresInS >= 1 && expiresInS <= EXPIRY_MAX_S))
    problems.push(`expiresInS is ${expiresInS}: a whole number from 1 to ${EXPIRY_MAX_S} is expected`);
  if (label !== '' && (label.length > LABEL_CHARACTERS_MAX || !isReadable(label)))
    problems.push(`label is ${quoted(label)}: up to ${LABEL_CHARACTERS_MAX} readable characters are expected`);
  throwProblems('make a token', problems);
}

/** For the verifier, among the users of all methods: no user name begins so. */
function ownerOf(deviceId: string, tokenId: string): string {
  return `\0device-token:${tokenId}:${deviceId}`;
}
