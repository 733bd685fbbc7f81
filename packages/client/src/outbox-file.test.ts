import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { OutboxFile } from './outbox-file.ts';
import type { OutboxBatch, OutboxContents, OutboxRecord } from './outbox-store.ts';
import { outboxPath, sample } from './testing/outbox-files.ts';

const DEAD_BYTES_MIN = 2_000;

async function opened(path: string, deadBytesMin = DEAD_BYTES_MIN) {
  return OutboxFile.open(path, deadBytesMin);
}

/** What is in the file. */
async function contentsOf(path: string): Promise<OutboxContents> {
  const { file, contents } = await opened(path);
  await file.close();
  return contents;
}

/** What a store must hold after the batches. */
function modelOf(batches: readonly OutboxBatch[]): OutboxContents {
  const records = new Map<number, OutboxRecord>();
  let clientId: string | undefined;
  for (const batch of batches) {
    clientId = batch.clientId ?? clientId;
    for (const { packetId, state, ...rest } of batch.put)
      records.set(rest.sequence, { ...(records.get(rest.sequence) ?? rest), packetId, state });
    for (const sequence of batch.remove) records.delete(sequence);
  }
  return { clientId, records: [...records.values()].sort((a, b) => a.sequence - b.sequence) };
}

const sequence = fc.nat({ max: 12 });
const record: fc.Arbitrary<OutboxRecord> = fc.record({
  sequence,
  topic: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 5 }),
  payload: fc.uint8Array({ maxLength: 300 }),
  qos: fc.constantFrom(0, 1, 2),
  retain: fc.boolean(),
  properties: fc.record(
    {
      correlationData: fc.uint8Array({ maxLength: 5 }),
      contentType: fc.string({ maxLength: 5 }),
      userProperties: fc.array(fc.tuple(fc.string({ maxLength: 3 }), fc.string({ maxLength: 3 })), {
        minLength: 1,
        maxLength: 3,
      }),
    },
    { requiredKeys: [], noNullPrototype: true },
  ),
  expiresAtMs: fc.option(fc.nat(), { nil: undefined }),
  packetId: fc.nat({ max: 65_535 }),
  state: fc.constantFrom('waiting', 'sent', 'released'),
});
const batch: fc.Arbitrary<OutboxBatch> = fc.record({
  clientId: fc.option(fc.string({ maxLength: 4 }), { nil: undefined }),
  put: fc.array(record, { maxLength: 4 }),
  remove: fc.array(sequence, { maxLength: 3 }),
});
/** Some batches are written one by one, some together. */
const groups = fc.array(fc.array(batch, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 8 });

describe('a file whose tail a crash took', () => {
  test('opens with the batches before the cut, each whole, and goes on from there', async () => {
    await fc.assert(
      fc.asyncProperty(
        groups,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.boolean(),
        async (all, cut, hasLength) => {
          const path = outboxPath();
          // Never written anew, so that what was flushed at each size is known.
          const { file } = await opened(path, Infinity);
          const kept: { readonly bytes: number; readonly batches: number }[] = [
            { bytes: statSync(path).size, batches: 0 },
          ];
          for (const group of all) {
            await Promise.all(group.map((one) => file.write(one)));
            kept.push({ bytes: statSync(path).size, batches: (kept.at(-1)?.batches ?? 0) + group.length });
          }
          await file.close();
          const end = kept[0].bytes + Math.floor(cut * (statSync(path).size - kept[0].bytes + 1));
          const bytes = readFileSync(path);
          // A file system may give a file its length before its bytes; of one group alone, since the next one waits.
          const length = kept.find((one) => one.bytes >= end)?.bytes ?? end;
          const rest = hasLength ? bytes.subarray(end, length).map((byte) => byte ^ 0xff) : [];
          writeFileSync(path, Buffer.concat([bytes.subarray(0, end), Buffer.from(rest)]));
          const contents = await contentsOf(path);
          assert.deepEqual(contents, modelOf(all.flat().slice(0, kept.findLast((one) => one.bytes <= end)?.batches)));
          const further = { put: [sample(99)], remove: [] };
          const again = await opened(path);
          await again.file.write(further);
          await again.file.close();
          assert.deepEqual((await contentsOf(path)).records, [...contents.records, sample(99)]);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('holds whatever was written, also when it was written anew in between', async () => {
    await fc.assert(
      fc.asyncProperty(groups, async (all) => {
        const path = outboxPath();
        const { file } = await opened(path, 0);
        for (const group of all) await Promise.all(group.map((one) => file.write(one)));
        await file.close();
        assert.deepEqual(await contentsOf(path), modelOf(all.flat()));
      }),
      { numRuns: 40 },
    );
  });
});

describe('a file that was damaged', () => {
  /** A file of five frames, and where each of them begins. */
  async function written(): Promise<{ path: string; starts: number[] }> {
    const path = outboxPath();
    const { file } = await opened(path);
    const starts: number[] = [];
    for (let number = 1; number <= 5; number++) {
      starts.push(statSync(path).size);
      await file.write({ put: [sample(number, 20)], remove: [number - 2] });
    }
    await file.close();
    return { path, starts };
  }

  test('says so and where, for every byte of it but those of the last frame', async () => {
    const { path, starts } = await written();
    const whole = readFileSync(path);
    for (let at = 24; at < starts[4]; at++) {
      const bytes = Buffer.from(whole);
      bytes[at] ^= 1 << (at % 8);
      writeFileSync(path, bytes);
      const start = starts.findLast((one) => one <= at);
      await assert.rejects(opened(path), (error: Error & { code: string }) => {
        assert.equal(error.code, 'damaged', `byte ${at}`);
        assert.ok(error.message.includes(`the frame at byte ${start} is damaged; move the file away`), error.message);
        return true;
      });
      assert.deepEqual(readFileSync(path), bytes);
    }
  });

  test('opens with what was before the damage when it is cut there, as the error says', async () => {
    const { path, starts } = await written();
    const bytes = readFileSync(path);
    bytes[starts[3] + 30] ^= 1;
    writeFileSync(path, bytes);
    await assert.rejects(opened(path), { message: new RegExp(`\\(truncate -s ${starts[3]}\\)`) });
    truncateSync(path, starts[3]);
    assert.deepEqual((await contentsOf(path)).records, [sample(2, 20), sample(3, 20)]);
  });

  test('is not mistaken for a cut one because a payload looks like a frame, nor the other way round', async () => {
    const path = outboxPath();
    const { file } = await opened(path);
    const start = statSync(path).size;
    await file.write({ put: [sample(1)], remove: [] });
    const frame = new Uint8Array(readFileSync(path).subarray(start));
    await file.close();
    // The frame of one file in the torn tail of another.
    const otherPath = outboxPath();
    const other = await opened(otherPath);
    await other.file.write({ put: [{ ...sample(1), payload: frame }], remove: [] });
    await other.file.close();
    truncateSync(otherPath, statSync(otherPath).size - 1);
    assert.deepEqual((await contentsOf(otherPath)).records, []);
  });
});

test('a copy of the file that is read a second time holds the same', async () => {
  const path = outboxPath();
  const { file } = await opened(path);
  await file.write({ put: [sample(1), sample(2, 2_000_000), sample(3)], remove: [], clientId: 'c' });
  copyFileSync(path, `${path}-copy`);
  await file.close();
  assert.deepEqual(await contentsOf(`${path}-copy`), await contentsOf(path));
});

test('the file stays below twice what is kept and the bound, however much passes through', async () => {
  const path = outboxPath();
  const { file } = await opened(path, 10_000);
  let most = 0;
  for (let number = 1; number <= 300; number++) {
    await file.write({ put: [sample(number, 500)], remove: [number - 3] });
    most = Math.max(most, statSync(path).size);
  }
  await file.close();
  assert.ok(most < 15_000, `${most} bytes`);
  assert.deepEqual(
    (await contentsOf(path)).records,
    [298, 299, 300].map((number) => sample(number, 500)),
  );
});
