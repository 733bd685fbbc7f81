/**
 * The full check: every page is of its kind, every key is of a known kind, every value decodes, and what refers to each other fits: summaries to
 * queues, entries to bodies, counts to entries, retained messages to their summary and deadlines, table indexes to keys.
 */
import { type RetainedSummary, retainedBytes } from '@dunlin/broker';
import { damaged, decoded, findingOf } from './damage.ts';
import type { Database, Row, Snapshot } from './database.ts';
import { deadlineKey, Key, keyName, QUEUE_KEY_BYTES, readNumber, SessionPart, Tag } from './keys.ts';
import { damagedPage } from './page-tree.ts';
import { retainedOfRow } from './retained.ts';
import { rows, sessionOf } from './scans.ts';
import { StoreError } from './store-error.ts';
import { parseIndexKey, parseRecordKey } from './table-keys.ts';
import { decodeRecord } from './table-values.ts';
import {
  decodeDeadline,
  decodeEntry,
  decodeMessage,
  decodeReferences,
  decodeRetainedSummary,
  TopicNames,
} from './values.ts';

export interface CheckReport {
  readonly sessions: number;
  readonly subscriptions: number;
  readonly queued: number;
  readonly bodies: number;
  readonly retained: number;
  readonly tableRecords: number;
  /** Deleted sessions whose remains are still being removed. */
  readonly garbage: number;
  /** What is wrong, a sentence each; at most 100. Empty: all is well. */
  readonly problems: readonly string[];
}

const PROBLEMS_MAX = 100;

/** What a queue was found to hold. */
interface Held {
  messages: number;
  bytes: number;
  shares: number;
  lastPosition: number;
}

class Check {
  readonly problems: string[] = [];
  readonly counts = { sessions: 0, subscriptions: 0, queued: 0, bodies: 0, retained: 0, tableRecords: 0, garbage: 0 };
  readonly #snapshot: Snapshot;
  readonly #garbage = new Set<number>();
  readonly #queues = new Map<number, Held>();
  /** Bytes that each body is counted with, and how many entries refer to it. */
  readonly #bodies = new Map<number, { readonly heldBytes: number; entries: number }>();

  readonly #assertGoingOn: () => void;

  constructor(snapshot: Snapshot, assertGoingOn: () => void) {
    this.#snapshot = snapshot;
    this.#assertGoingOn = assertGoingOn;
  }

  async run(): Promise<void> {
    await this.#tag(Tag.garbage, ({ key }) => {
      this.#garbage.add(readNumber(key, 1));
      this.counts.garbage += 1;
    });
    await this.#tag(Tag.body, ({ key, value }) => {
      const message = decoded(key, value, (bytes) => decodeMessage(bytes, new TopicNames()));
      this.#bodies.set(readNumber(key, 1), { heldBytes: message.heldBytes, entries: 0 });
      this.counts.bodies += 1;
    });
    await this.#queueEntries();
    await this.#tag(Tag.bodyReferences, (row) => this.#references(row));
    for (const number of this.#bodies.keys()) this.#problem(`body ${number} has no count of its entries`);
    await this.#sessions();
    for (const session of this.#queues.keys())
      if (!this.#garbage.has(session)) this.#problem(`a queue of session ${session} is there, but no such session`);
    await this.#allRetained();
    await this.#tables();
    await this.#unknown();
  }

  /** Walks over the keys of a tag; what a row throws is a problem of that row. */
  async #tag(tag: number, visit: (row: Row) => void): Promise<void> {
    for await (const row of rows(this.#snapshot, tag)) {
      this.#assertGoingOn();
      this.#attempt(() => visit(row));
    }
  }

  #attempt(act: () => void): void {
    try {
      act();
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      this.#problem(findingOf(error));
    }
  }

  #problem(text: string): void {
    if (this.problems.length < PROBLEMS_MAX) this.problems.push(text);
  }

  async #queueEntries(): Promise<void> {
    let last: Buffer | undefined;
    await this.#tag(Tag.queue, ({ key, value }) => {
      if (key.length > QUEUE_KEY_BYTES) {
        if (last === undefined || !last.equals(key.subarray(0, QUEUE_KEY_BYTES)))
          this.#problem(`${keyName(key)} was received, but is not queued`);
        return;
      }
      last = key;
      const session = readNumber(key, 1);
      const entry = decoded(key, value, (bytes) => decodeEntry(bytes, new TopicNames()));
      const body = this.#bodies.get(entry.bodyNumber);
      if (body !== undefined) body.entries += 1;
      if (entry.message === undefined && body === undefined)
        throw damaged(key, `it refers to body ${entry.bodyNumber}, which is missing`);
      this.counts.queued += 1;
      const held = this.#queues.get(session) ?? { messages: 0, bytes: 0, shares: 0, lastPosition: 0 };
      held.messages += 1;
      held.bytes += (entry.message ?? body)?.heldBytes ?? 0;
      if (entry.share !== undefined) held.shares += 1;
      held.lastPosition = readNumber(key, 7);
      this.#queues.set(session, held);
    });
  }

  #references({ key, value }: Row): void {
    const number = readNumber(key, 1);
    const references = decoded(key, value, decodeReferences);
    const body = this.#bodies.get(number);
    if (body === undefined) throw damaged(key, 'it counts entries of a body that is missing');
    this.#bodies.delete(number);
    if (body.entries !== references) throw damaged(key, `it counts ${references} entries, there are ${body.entries}`);
  }

  async #sessions(): Promise<void> {
    let group: Row[] = [];
    await this.#tag(Tag.session, (row) => {
      const before = group;
      if (before.length > 0 && readNumber(before[0].key, 1) !== readNumber(row.key, 1)) {
        group = [row];
        this.#session(before);
      } else group.push(row);
    });
    if (group.length > 0) this.#attempt(() => this.#session(group));
  }

  #session(group: readonly Row[]): void {
    const number = readNumber(group[0].key, 1);
    const session = sessionOf(group);
    const held = this.#queues.get(number) ?? { messages: 0, bytes: 0, shares: 0, lastPosition: 0 };
    if (session === undefined) {
      if (!this.#garbage.has(number)) throw damaged(group[0].key, 'its session record is missing');
      return;
    }
    this.#queues.delete(number);
    this.counts.sessions += 1;
    this.counts.subscriptions += session.subscriptions.length;
    const { messages, bytes, shares, lastPosition } = session.queue;
    const isExact = messages === held.messages && bytes === held.bytes && shares === held.shares;
    if (!isExact || lastPosition < held.lastPosition)
      throw damaged(
        group.find(({ key }) => key[7] === SessionPart.summary)?.key ?? group[0].key,
        `it says ${JSON.stringify(session.queue)}, the queue holds ${JSON.stringify(held)}`,
      );
  }

  async #allRetained(): Promise<void> {
    const found = { messages: 0, bytes: 0, lastSequence: 0 };
    /** What the index must have: topics by its keys. */
    const expiring = new Map<string, { readonly key: Buffer; readonly topic: string }>();
    await this.#tag(Tag.retained, ({ key, value }) => {
      for (const { message, sequence } of retainedOfRow(key, value)) {
        this.counts.retained += 1;
        found.messages += 1;
        found.bytes += retainedBytes(message);
        found.lastSequence = Math.max(found.lastSequence, sequence);
        if (message.expiresAtMs === undefined) continue;
        const name = deadlineKey(new Key(), message.expiresAtMs, sequence).copy().toString('hex');
        expiring.set(name, { key, topic: message.topic.name });
      }
    });
    await this.#tag(Tag.retainedDeadline, ({ key, value }) => {
      const topic = decoded(key, value, decodeDeadline);
      const name = key.toString('hex');
      if (expiring.get(name)?.topic !== topic)
        throw damaged(key, `it leads to ${JSON.stringify(topic)}, which does not expire then`);
      expiring.delete(name);
    });
    for (const { key } of expiring.values())
      this.#attempt(() => {
        throw damaged(key, 'its deadline is not in the index');
      });
    await this.#retainedSummary(found);
  }

  async #retainedSummary(found: RetainedSummary): Promise<void> {
    let isThere = false;
    await this.#tag(Tag.retainedSummary, ({ key, value }) => {
      isThere = true;
      const said = decoded(key, value, decodeRetainedSummary);
      const isExact = said.messages === found.messages && said.bytes === found.bytes;
      if (!isExact || said.lastSequence < found.lastSequence)
        throw damaged(key, `it says ${JSON.stringify(said)}, there are ${JSON.stringify(found)}`);
    });
    if (!isThere && found.messages > 0)
      this.#attempt(() => {
        throw damaged(Buffer.of(Tag.retainedSummary), 'it is missing');
      });
  }

  async #tables(): Promise<void> {
    const records = new Set<string>();
    await this.#tag(Tag.record, ({ key, value }) => {
      decoded(key, value, decodeRecord);
      const { table, key: name } = decoded(key, key, parseRecordKey);
      records.add(`${table}/${name}`);
      this.counts.tableRecords += 1;
    });
    await this.#tag(Tag.index, ({ key }) => {
      const { table, key: name } = decoded(key, key, parseIndexKey);
      if (!records.has(`${table}/${name}`)) throw damaged(key, 'it leads to a record that is missing');
    });
  }

  async #unknown(): Promise<void> {
    const known = new Set<number>(Object.values(Tag));
    for (let tag = 0; tag < 0xff; tag++) {
      if (!known.has(tag)) await this.#tag(tag, ({ key }) => this.#problem(`${keyName(key)} is of no known kind`));
    }
  }
}

/**
 * Checks one moment of a store, in slices. What LMDB itself cannot read is a problem too, and ends the walk: pages are
 * looked at first, since LMDB would end the process at a damaged one.
 * @throws StoreError 'closed' soon after `signal` was aborted
 */
export async function checkStore(database: Database, signal?: AbortSignal): Promise<CheckReport> {
  const assertGoingOn = () => {
    if (signal?.aborted) throw new StoreError('closed', 'Cannot finish the check: the store is being closed');
  };
  const snapshot = database.snapshot();
  const check = new Check(snapshot, assertGoingOn);
  try {
    const page = await damagedPage(database.path, false, assertGoingOn);
    if (page !== undefined) check.problems.push(`Cannot read ${database.path}: ${page}`);
    else await check.run();
  } catch (error) {
    assertGoingOn();
    check.problems.push(`LMDB cannot read on: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    snapshot.close();
  }
  return { ...check.counts, problems: check.problems };
}
