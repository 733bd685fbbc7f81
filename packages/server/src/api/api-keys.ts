/** The keys of the API: what they look like, what is kept of them (a hash), and who a shown one belongs to. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock, Table, TableDefinition } from '@dunlin/broker';
import { Turns } from '@dunlin/devices';
import type { ConfiguredKey } from './configured-keys.ts';
import { fromCursor, toCursor } from './page-cursor.ts';
import { ApiProblem } from './problems.ts';
import type { Caller, Scope } from './scopes.ts';

/** What is kept of a key: nothing that could be shown in its place. */
export interface ApiKey {
  readonly id: string;
  /** For people. */
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly createdBy: string;
  /** Wall clock, as the others. */
  readonly createdAtMs: number;
  readonly expiresAtMs: number | undefined;
  /** To the minute; undefined: never. */
  readonly lastUsedAtMs: number | undefined;
}

interface KeyRecord extends ApiKey {
  /** SHA-256 of the whole key: it has 256 random bits, which nobody can guess from its hash. */
  readonly sha256: Uint8Array;
}

export const API_KEYS_TABLE: TableDefinition<KeyRecord> = { name: 'api-keys', indexes: {} };

export interface NewApiKey {
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Seconds from now; undefined: it does not expire. */
  readonly expiresInS?: number | undefined;
  readonly by: string;
}

const ID_BYTES = 8;
const SECRET_BYTES = 32;
/** An id in hexadecimal, a secret in base64url. */
const FORM = /^dk_([0-9a-f]{16})_[\w-]{43}$/;
const USE_WRITTEN_MS = 60_000;
const NO_HASH = Buffer.alloc(32);

export class ApiKeys {
  readonly #table: Table<KeyRecord>;
  readonly #clock: Clock;
  readonly #keysMax: number;
  readonly #full: (by: string) => void;
  readonly #adding = new Turns();
  /** By hash, in hexadecimal. */
  readonly #configured: ReadonlyMap<string, ConfiguredKey>;

  /** `full`: told when there are as many as may be, and who wanted one more. */
  constructor(
    table: Table<KeyRecord>,
    clock: Clock,
    { keysMax, full }: { readonly keysMax: number; readonly full: (by: string) => void },
    configured: readonly ConfiguredKey[] = [],
  ) {
    this.#table = table;
    this.#clock = clock;
    this.#keysMax = keysMax;
    this.#full = full;
    this.#configured = new Map(configured.map((key) => [key.sha256, key]));
  }

  /** Settles when the key is stored. `key` is shown this once. @throws ApiProblem limit-reached */
  add(wanted: NewApiKey): Promise<{ readonly key: string; readonly entry: ApiKey }> {
    // One after the other: each has to count the one before.
    return this.#adding.run('', () => this.#add(wanted));
  }

  /** One page, by id. @throws ApiProblem cursor-invalid */
  async list(limit: number, cursor?: string): Promise<{ keys: readonly ApiKey[]; cursor: string | undefined }> {
    const page = await fromCursor(cursor, (at) => this.#table.scan({ limit, cursor: at }));
    return { keys: page.records.map(({ value }) => entryOf(value)), cursor: toCursor(page.cursor) };
  }

  /** @throws ApiProblem api-key-unknown */
  async get(id: string): Promise<ApiKey> {
    const record = /^[0-9a-f]{16}$/.test(id) ? await this.#table.get(id) : undefined;
    if (record !== undefined) return entryOf(record.value);
    throw new ApiProblem('api-key-unknown', `Cannot find the API key ${JSON.stringify(id)}: the id of one is expected`);
  }

  /** From when it settles on the key counts no longer. */
  async remove(id: string): Promise<void> {
    await this.#table.delete(id);
  }

  /**
   * Whose key this is. What cannot be one, is unknown, was deleted or has expired is refused alike.
   * @throws ApiProblem key-refused
   */
  async check(key: string, address: string): Promise<Caller> {
    const hash = hashOf(key);
    // Who has the time that this takes learns something of the hash, and nothing of what is behind it.
    const configured = this.#configured.get(hash.toString('hex'));
    if (configured !== undefined)
      return { by: `configured-key:${configured.name}`, scopes: new Set(configured.scopes), address };
    const id = FORM.exec(key)?.[1];
    const record = id === undefined ? undefined : await this.#table.get(id);
    const isIt = timingSafeEqual(hash, record?.value.sha256 ?? NO_HASH);
    const nowMs = this.#clock.nowMs();
    if (record === undefined || !isIt || nowMs >= (record.value.expiresAtMs ?? Number.POSITIVE_INFINITY))
      throw new ApiProblem(
        'key-refused',
        'Cannot let this API key in: one that is known and has not expired is expected',
      );
    this.#used(record.value, record.revision, nowMs);
    return { by: `key:${id}`, scopes: new Set(record.value.scopes), address };
  }

  async #add({ name, scopes, expiresInS, by }: NewApiKey): Promise<{ readonly key: string; readonly entry: ApiKey }> {
    const { records } = await this.#table.scan({ limit: this.#keysMax });
    if (records.length >= this.#keysMax) {
      this.#full(by);
      throw new ApiProblem(
        'limit-reached',
        `Cannot make an API key: there are ${this.#keysMax}, as api.keysMax allows; one has to be deleted before`,
      );
    }
    const id = randomBytes(ID_BYTES).toString('hex');
    const key = `dk_${id}_${randomBytes(SECRET_BYTES).toString('base64url')}`;
    const nowMs = this.#clock.nowMs();
    const entry: ApiKey = {
      id,
      name,
      scopes: [...new Set(scopes)],
      createdBy: by,
      createdAtMs: nowMs,
      expiresAtMs: expiresInS === undefined ? undefined : nowMs + expiresInS * 1_000,
      lastUsedAtMs: undefined,
    };
    await this.#table.put(id, { ...entry, sha256: hashOf(key) }, 0);
    return { key, entry };
  }

  /** Nobody waits for it; whoever has changed the key meanwhile wins. */
  #used(value: KeyRecord, revision: number, nowMs: number): void {
    if (nowMs - (value.lastUsedAtMs ?? 0) < USE_WRITTEN_MS) return;
    void this.#table.put(value.id, { ...value, lastUsedAtMs: nowMs }, revision).catch(() => {});
  }
}

function hashOf(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

function entryOf({ sha256: _, ...entry }: KeyRecord): ApiKey {
  return entry;
}
