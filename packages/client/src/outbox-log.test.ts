import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { crc32 } from 'node:zlib';
import { FRAME_HEAD_BYTES, HEAD_BYTES, OutboxLog } from './outbox-log.ts';
import { OperationWriter } from './outbox-operations.ts';
import { outboxPath } from './testing/outbox-files.ts';

/** A frame of one operation. */
function frameOf(clientId: string): OperationWriter {
  const operations = new OperationWriter(FRAME_HEAD_BYTES);
  operations.clientId(clientId);
  return operations;
}

/** A file with a frame for each text. */
async function written(...texts: readonly string[]): Promise<string> {
  const path = outboxPath();
  const log = await OutboxLog.create(path);
  for (const text of texts) await log.add(frameOf(text));
  await log.flush();
  await log.close();
  return path;
}

describe('the file of an outbox', () => {
  test('gives its frames back, also those that lie across what is read at once', async () => {
    const texts = Array.from({ length: 60 }, (_, index) => String(index).repeat(5_000));
    const log = (await OutboxLog.open(await written(...texts))) as OutboxLog;
    const found: string[] = [];
    for await (const { body } of log.frames()) found.push(Buffer.from(body).toString('utf8', 3));
    assert.deepEqual(found, texts);
    assert.equal(log.wholeEnd, log.end);
    await log.close();
  });

  test('has a head with magic, version, a mark of its own and a checksum', async () => {
    const [first, second] = [readFileSync(await written()), readFileSync(await written())];
    assert.equal(first.length, HEAD_BYTES);
    assert.equal(first.toString('hex', 0, 12), '64756e6c696e4f4200000001');
    assert.notDeepEqual(first.subarray(12, 20), second.subarray(12, 20));
    assert.equal(first.readUInt32BE(20), crc32(first.subarray(0, 20)));
  });

  test('of a newer format is named and left alone', async () => {
    const path = await written('a');
    const bytes = readFileSync(path);
    bytes.writeUInt32BE(2, 8);
    bytes.writeUInt32BE(crc32(bytes.subarray(0, 20)), 20);
    writeFileSync(path, bytes);
    await assert.rejects(OutboxLog.open(path), {
      code: 'newer-format',
      message: `Cannot open the outbox ${path}: it has format 2, 1 is expected; use the version of @dunlin/client that wrote it, or a newer one`,
    });
    assert.deepEqual(readFileSync(path), bytes);
  });

  test('with a damaged head is named', async () => {
    const path = await written('a');
    for (let at = 8; at < HEAD_BYTES; at++) {
      const bytes = readFileSync(path);
      bytes[at] ^= 1;
      writeFileSync(`${path}-bad`, bytes);
      await assert.rejects(OutboxLog.open(`${path}-bad`), {
        code: 'damaged',
        message: /its head \(the first 24 bytes\) is damaged/,
      });
    }
  });

  test('goes on where the cut left it', async () => {
    const path = await written('a', 'bbbb');
    writeFileSync(path, readFileSync(path).subarray(0, -1));
    const log = (await OutboxLog.open(path)) as OutboxLog;
    const bodies = [];
    for await (const { body } of log.frames()) bodies.push(body);
    assert.equal(bodies.length, 1);
    await log.cut(log.wholeEnd);
    await log.add(frameOf('c'));
    await log.close();
    assert.ok(readFileSync(path).toString('latin1').endsWith('c'));
  });
});

test('there is no log where there is no file, or an empty one', async () => {
  const path = outboxPath();
  assert.equal(await OutboxLog.open(path), undefined);
  writeFileSync(path, '');
  assert.equal(await OutboxLog.open(path), undefined);
});
