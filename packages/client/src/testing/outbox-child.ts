/**
 * Writes to an outbox until it is killed: says "b<n>" before the batch n is written and "a<n>" when it is kept. Each batch
 * puts three records, moves one of the batch before it on and removes those of the batch `BATCHES_KEPT` before it; some
 * batches overlap.
 *
 *     node outbox-child.ts <file> <first batch> [batches]
 */
import { writeSync } from 'node:fs';
import { fileOutbox } from '../file-outbox.ts';
import type { OutboxBatch, OutboxError, OutboxRecord } from '../outbox-store.ts';

/** How many batches an outbox of the child holds. */
export const BATCHES_KEPT = 5;
/** Records of a batch; those of the batch n have the sequences from 3n on. */
const RECORDS = 3;

/** A record of the batch; its payload is filled with what tells the batch, and of a length that differs. */
export function recordOfBatch(batch: number, place: number, isSent: boolean): OutboxRecord {
  const payload = new Uint8Array(((batch * 37) % 50) * 100).fill(batch & 0xff);
  const properties = { userProperties: [['batch', `${batch}`]] as const };
  const progress = isSent ? ({ packetId: 9, state: 'sent' } as const) : ({ packetId: 0, state: 'waiting' } as const);
  const sequence = batch * RECORDS + place;
  return { sequence, topic: 'a/b', payload, qos: 1, retain: false, properties, expiresAtMs: undefined, ...progress };
}

/** All that is kept when `last` was the last batch. */
export function recordsAfter(last: number): OutboxRecord[] {
  const batches = Array.from({ length: BATCHES_KEPT }, (_, index) => last - BATCHES_KEPT + 1 + index);
  return batches
    .filter((batch) => batch >= 1)
    .flatMap((batch) => [0, 1, 2].map((place) => recordOfBatch(batch, place, place === 0 && batch < last)));
}

function batchOf(batch: number): OutboxBatch {
  const put = [0, 1, 2].map((place) => recordOfBatch(batch, place, false));
  if (batch > 1) put.push(recordOfBatch(batch - 1, 0, true));
  const gone = (batch - BATCHES_KEPT) * RECORDS;
  return { put, remove: gone > 0 ? [gone, gone + 1, gone + 2] : [], clientId: batch === 1 ? 'child' : undefined };
}

async function run(path: string, first: number, batches: number): Promise<void> {
  // So low that the file is written anew every few batches.
  const store = fileOutbox(path, { deadBytesMin: 10_000 });
  await store.open();
  let next = first;
  const writer = async () => {
    while (next < first + batches) {
      const batch = next++;
      writeSync(1, `b${batch}\n`);
      await store.write(batchOf(batch));
      writeSync(1, `a${batch}\n`);
    }
  };
  await Promise.all([writer(), writer(), writer()]);
  await store.close();
}

/** Writes large records until there is no room, then frees some and goes on; tells in JSON what came of it. */
async function fill(path: string): Promise<void> {
  const store = fileOutbox(path, { deadBytesMin: 100_000 });
  await store.open();
  const large = (sequence: number) => ({
    ...recordOfBatch(sequence, 0, false),
    sequence,
    payload: new Uint8Array(100_000),
  });
  const put = (sequence: number) => store.write({ put: [large(sequence)], remove: [] });
  const codeOf = (error: OutboxError) => error.code;
  let kept = 0;
  let refusal: string | undefined;
  while (refusal === undefined && kept < 1_000) {
    kept += 1;
    refusal = await put(kept).then(() => undefined, codeOf);
  }
  const again = await put(kept).then(() => 'kept', codeOf);
  const removed = await store.write({ put: [], remove: [1, 2, 3] }).then(() => 'kept', codeOf);
  await store.close();
  writeSync(1, JSON.stringify({ kept: kept - 1, refusal, again, removed }));
}

if (import.meta.main) {
  const [path, first, batches = 'Infinity'] = process.argv.slice(2);
  await (first === 'fill' ? fill(path) : run(path, Number(first), Number(batches)));
}
