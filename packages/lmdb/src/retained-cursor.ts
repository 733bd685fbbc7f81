/** Goes along the rows of retained messages that a filter matches: a page of rows at a time, as long as they are true. */
import type { Retained, RetainedCursor } from '@dunlin/broker';
import { decoded } from './damage.ts';
import type { Database, Row } from './database.ts';
import { FilterPath } from './filter-path.ts';
import { leadsToBucket, wholeRetainedKey } from './keys.ts';
import { type RetainedRows, retainedOfRow } from './retained.ts';
import { decodeRetained } from './values.ts';

/** Rows of the first page, and of the last: who takes them slowly may find that they have changed meanwhile. */
const PAGE_ROWS_MIN = 16;
const PAGE_ROWS_MAX = 256;
/** A page ends after so many bytes. */
const PAGE_BYTES = 1024 * 1024;
/** Rows that are passed over one by one before the next place is looked up. */
const NEAR_ROWS = 8;

export class RowCursor implements RetainedCursor {
  readonly #database: Database;
  readonly #rows: RetainedRows;
  readonly #path: FilterPath;
  /** The least key that was not looked at. */
  #from: Buffer;
  #isAtEnd = false;
  #page: Row[] = [];
  #taken = 0;
  #pageRows = PAGE_ROWS_MIN;
  #version = 0;
  /** The rest of a bucket: each is read when it comes. */
  #topics: string[] = [];

  constructor(database: Database, rows: RetainedRows, filter: string) {
    this.#database = database;
    this.#rows = rows;
    this.#path = new FilterPath(filter);
    this.#from = this.#path.start;
  }

  get isDone(): boolean {
    return this.#isAtEnd && this.#taken === this.#page.length && this.#topics.length === 0;
  }

  /** @throws StoreError 'damaged' */
  next(looksMax: number): Retained | undefined {
    const topic = this.#topics.pop();
    if (topic !== undefined) return this.#rows.get(topic);
    if (this.#taken < this.#page.length && this.#version !== this.#rows.version) this.#forgetPage();
    if (this.#taken === this.#page.length) this.#readPage(looksMax);
    if (this.#taken === this.#page.length) return undefined;
    const { key, value } = this.#page[this.#taken++];
    if (!leadsToBucket(key)) return decoded(key, value, decodeRetained);
    for (const { message } of retainedOfRow(key, value))
      if (this.#path.judge(wholeRetainedKey(message.topic.name)) === true) this.#topics.push(message.topic.name);
    return undefined;
  }

  pause(): void {
    if (this.#taken < this.#page.length) this.#forgetPage();
    this.#page = [];
    this.#taken = 0;
  }

  /** What is left of the page is read again: it may have changed. */
  #forgetPage(): void {
    this.#from = this.#page[this.#taken].key;
    this.#isAtEnd = false;
    this.#page = [];
    this.#taken = 0;
    this.#pageRows = PAGE_ROWS_MIN;
  }

  #readPage(looksMax: number): void {
    this.#page = [];
    this.#taken = 0;
    this.#version = this.#rows.version;
    const most = Math.min(looksMax, this.#pageRows);
    this.#pageRows = Math.min(2 * this.#pageRows, PAGE_ROWS_MAX);
    let bytes = 0;
    for (let left = most; left > 0 && bytes < PAGE_BYTES && !this.#isAtEnd; ) {
      const { looked, lookedBytes } = this.#readRange(left, PAGE_BYTES - bytes);
      left -= looked;
      bytes += lookedBytes;
    }
  }

  /** Reads on up to the end of the page, or to where it is better to look up another place. */
  #readRange(rowsMax: number, bytesMax: number): { looked: number; lookedBytes: number } {
    let looked = 0;
    let lookedBytes = 0;
    let near = 0;
    let place: Buffer | undefined;
    let last: Buffer | undefined;
    for (const row of this.#database.range(this.#from, this.#path.end, rowsMax)) {
      looked += 1;
      lookedBytes += row.value.length;
      last = row.key;
      if (place === undefined || Buffer.compare(last, place) >= 0) {
        near = 0;
        const verdict = leadsToBucket(last) || this.#path.judge(last);
        if (verdict === undefined) {
          this.#isAtEnd = true;
          return { looked, lookedBytes };
        }
        place = verdict === true ? undefined : verdict;
        if (verdict === true) this.#page.push(row);
      } else near += 1;
      if (lookedBytes >= bytesMax || near >= NEAR_ROWS) break;
    }
    if (last === undefined) this.#isAtEnd = true;
    else this.#from = later(Buffer.concat([last, Buffer.of(0)]), place);
    return { looked, lookedBytes };
  }
}

function later(key: Buffer, other: Buffer | undefined): Buffer {
  return other !== undefined && Buffer.compare(other, key) > 0 ? other : key;
}
