/**
 * Requests with an Idempotency-Key that were carried out: who repeats one gets the first answer, and nothing happens
 * twice. What failed is not kept, so that it can be tried again.
 */
import { createHash } from 'node:crypto';
import type { Clock, Table, TableDefinition } from '@dunlin/broker';
import { RoomNotice } from '@dunlin/devices';
import { ApiProblem } from './problems.ts';

export interface KeptAnswer {
  readonly status: number;
  readonly location: string | undefined;
  /** Undefined where the answer had none, and in those that were kept before this was. */
  readonly revision: number | undefined;
  /** As it was sent; undefined where it held a secret. */
  readonly body: string | undefined;
}

interface AnsweredRequest extends KeptAnswer {
  /** Of method, path and body. */
  readonly request: string;
  /** Wall clock. */
  readonly atMs: number;
}

export const ANSWERED_TABLE: TableDefinition<AnsweredRequest> = {
  name: 'api-answered',
  indexes: { at: ({ atMs }) => [String(atMs).padStart(15, '0')] },
};

export interface AnsweredOptions {
  readonly keptMs: number;
  readonly entriesMax: number;
  /** Told when answers made room before their time, at most once an hour: how many did since it was told before. */
  readonly madeRoom: (answers: number) => void;
}

/** Visible characters of ASCII. */
const FORM = /^[!-~]{1,128}$/;
const PAGE = 1_000;
/** Removed with each new one, so that the old ones become fewer. */
const REMOVED = 3;

export class AnsweredRequests {
  readonly #table: Table<AnsweredRequest>;
  readonly #clock: Clock;
  readonly #options: AnsweredOptions;
  readonly #notice: RoomNotice;
  readonly #running = new Set<string>();
  /** Counted when the first is kept: a server whose callers send no keys reads nothing. */
  #counted: Promise<void> | undefined;
  #count = 0;

  constructor(table: Table<AnsweredRequest>, clock: Clock, options: AnsweredOptions) {
    this.#table = table;
    this.#clock = clock;
    this.#options = options;
    this.#notice = new RoomNotice(clock, options.madeRoom);
  }

  /**
   * The answer that the first request with this key got; undefined where this is the first: `end` has to be called for it.
   * `by`: keys of one caller are nobody else's.
   * @throws ApiProblem idempotency-key-invalid, -running, -mismatch, -secret
   */
  async begin(by: string, key: string, request: string): Promise<KeptAnswer | undefined> {
    if (!FORM.test(key))
      throw new ApiProblem(
        'idempotency-key-invalid',
        'Cannot use this Idempotency-Key: 1 to 128 visible characters of ASCII are expected',
      );
    const name = nameOf(by, key);
    if (this.#running.has(name))
      throw new ApiProblem('idempotency-running', 'Cannot answer yet: try again when the first request is answered');
    this.#running.add(name);
    try {
      const known = (await this.#table.get(name))?.value;
      if (known === undefined || this.#clock.nowMs() - known.atMs >= this.#options.keptMs) return undefined;
      this.#running.delete(name);
      return repeated(known, request);
    } catch (error) {
      this.#running.delete(name);
      throw error;
    }
  }

  /** Settles when the answer is stored; without one the request has failed. */
  async end(by: string, key: string, request: string, answer: KeptAnswer | undefined): Promise<void> {
    const name = nameOf(by, key);
    try {
      if (answer === undefined) return;
      this.#counted ??= this.#countAll();
      await this.#counted;
      const isNew = (await this.#table.get(name)) === undefined;
      await this.#table.put(name, { ...answer, request, atMs: this.#clock.nowMs() });
      if (isNew) this.#count += 1;
      await this.#makeRoom();
    } finally {
      this.#running.delete(name);
    }
  }

  async #countAll(): Promise<void> {
    let cursor: string | undefined;
    do {
      const page = await this.#table.scan({ limit: PAGE, cursor });
      this.#count += page.records.length;
      cursor = page.cursor;
    } while (cursor !== undefined);
  }

  async #makeRoom(): Promise<void> {
    const { keptMs, entriesMax } = this.#options;
    const endedMs = this.#clock.nowMs() - keptMs;
    const { records } = await this.#table.scan({ index: 'at', limit: REMOVED });
    for (const { key, value } of records) {
      const isOver = value.atMs <= endedMs;
      if (!(isOver || this.#count > entriesMax) || !(await this.#table.delete(key))) continue;
      this.#count -= 1;
      if (!isOver) this.#notice.madeRoom();
    }
  }
}

/** What makes two requests the same one. */
export function requestHash(method: string, url: string, body: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify([method, url, body ?? null]))
    .digest('base64');
}

/** A key of a table has fewer bytes than the two may have. */
function nameOf(by: string, key: string): string {
  return createHash('sha256')
    .update(JSON.stringify([by, key]))
    .digest('base64url');
}

function repeated(known: AnsweredRequest, request: string): KeptAnswer {
  if (known.request !== request)
    throw new ApiProblem(
      'idempotency-mismatch',
      'Cannot use this Idempotency-Key again: the same method, path and body are expected, or another key',
    );
  if (known.body === undefined)
    throw new ApiProblem(
      'idempotency-secret',
      `Cannot show the secret again: it was made before${known.location === undefined ? '' : ` at ${known.location}`}`,
    );
  return known;
}
