import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OpenReceipts, Receipt, WrittenReceipts } from './receipt.ts';

const OPEN = 'open';

/** What has become of each receipt by now. */
function outcomes(receipts: readonly Receipt[]): Promise<string[]> {
  return Promise.all(receipts.map(({ outcome }) => Promise.race([outcome, Promise.resolve(OPEN)])));
}

function make(count: number): Receipt[] {
  return Array.from({ length: count }, (_, index) => new Receipt(`client${index}`));
}

test('a receipt says once what became of the delivery, whatever comes later', async () => {
  const [receipt] = make(1);
  assert.deepEqual(await outcomes([receipt]), [OPEN]);
  receipt.settle('acknowledged');
  receipt.settle('lost');
  assert.equal(await receipt.outcome, 'acknowledged');
});

test('a receipt follows one message', () => {
  const [receipt] = make(1);
  receipt.begin();
  assert.throws(() => receipt.begin(), /Cannot follow a second message/);
});

test('the receipts of a session settle by position, and it is said when none is left', async () => {
  const receipts = make(2);
  const open = new OpenReceipts();
  open.add(1, receipts[0]);
  open.add(4, receipts[1]);
  assert.equal(open.settle(3, 'lost'), true);
  assert.equal(open.settle(4, 'acknowledged'), true);
  assert.deepEqual(await outcomes(receipts), [OPEN, 'acknowledged']);
  assert.equal(open.settle(1, 'lost'), false);
});

test('of the receipts of a session those whose message has expired are lost, and in the end all', async () => {
  const receipts = make(3);
  const open = new OpenReceipts();
  const expiries = [200, 100, undefined];
  for (const [index, receipt] of receipts.entries()) {
    receipt.begin(expiries[index]);
    open.add(index, receipt);
  }
  assert.equal(open.expiresAtMs, 100);
  open.expire(100);
  assert.deepEqual(await outcomes(receipts), [OPEN, 'lost', OPEN]);
  assert.equal(open.expiresAtMs, 200);
  open.expire(200);
  assert.equal(open.expiresAtMs, Number.POSITIVE_INFINITY);
  open.lose();
  assert.deepEqual(await outcomes(receipts), ['lost', 'lost', 'lost']);
});

test('the receipts of an outbox settle as far as its bytes were handed over', async () => {
  const receipts = make(3);
  const waiting = new WrittenReceipts();
  for (const [index, receipt] of receipts.entries()) waiting.add(receipt, 10 * (index + 1));
  assert.equal(waiting.handed(9), true);
  assert.deepEqual(await outcomes(receipts), [OPEN, OPEN, OPEN]);
  assert.equal(waiting.handed(20), true);
  assert.deepEqual(await outcomes(receipts), ['written', 'written', OPEN]);
  waiting.lose();
  assert.deepEqual(await outcomes(receipts), ['written', 'written', 'lost']);
});

test('the last receipt of an outbox leaves none behind', () => {
  const [receipt] = make(1);
  const waiting = new WrittenReceipts();
  waiting.add(receipt, 5);
  assert.equal(waiting.handed(5), false);
});
