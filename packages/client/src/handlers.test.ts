import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Delivery } from './delivery.ts';
import { callHandler } from './handlers.ts';
import { ReceivedMessage } from './received-message.ts';
import { published } from './testing/fake-link.ts';
import { surfacing } from './testing/surfacing.ts';

const message = new ReceivedMessage(published(), 'a');

test('what a handler throws or rejects with surfaces, and the delivery goes on', async () => {
  for (const handler of [() => assert.fail('no'), async () => assert.fail('no')]) {
    let given = 0;
    const delivery = new Delivery(1, 1, () => {
      given += 1;
    });
    const caught = await surfacing(() => {
      callHandler(handler, message, delivery);
      delivery.release();
    });
    assert.deepEqual([caught, given], [['no'], 1]);
  }
});

test('at QoS 0 there is nothing to hold', async () => {
  let called = 0;
  callHandler(
    async () => {
      called += 1;
    },
    message,
    undefined,
  );
  await Promise.resolve();
  assert.equal(called, 1);
});
