import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { TurnGate } from './turn-gate.ts';

async function turns(): Promise<void> {
  for (let count = 0; count < 10; count += 1) await turn();
}

test('no more is begun in a turn, and at once, than may be, in the order of coming', async () => {
  const begun: number[] = [];
  const gate = new TurnGate<number>({ atOnceMax: 3, perTurn: 2, waitingMax: 5, begin: (item) => begun.push(item) });
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6].map((item) => gate.enter(item)),
    [true, true, true, true, true, false],
  );
  assert.deepEqual(begun, []);
  await turn();
  assert.deepEqual(begun, [1, 2]);
  await turns();
  assert.deepEqual(begun, [1, 2, 3]);
  gate.leave(4);
  gate.done();
  await turns();
  assert.deepEqual(begun, [1, 2, 3, 5]);
  gate.done();
  await turns();
  assert.ok(gate.enter(7));
  await turns();
  assert.deepEqual(begun, [1, 2, 3, 5, 7]);
});

test('what enters again when it is begun is begun once in a turn', async () => {
  let begun = 0;
  const gate: TurnGate<string> = new TurnGate({
    atOnceMax: Number.POSITIVE_INFINITY,
    perTurn: 16,
    waitingMax: 5,
    begin(item) {
      begun += 1;
      if (begun < 3) gate.enter(item);
    },
  });
  gate.enter('again');
  for (const expected of [1, 2, 3, 3]) {
    await turn();
    assert.equal(begun, expected);
  }
});
