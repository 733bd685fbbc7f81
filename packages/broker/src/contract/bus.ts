/** What every Bus must do for a broker that is alone on it, as tests: call `busContract` from the adapter's test file. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Message } from '../message.ts';
import type { Bus } from '../ports.ts';
import { eventually, sampleMessage } from './samples.ts';

/**
 * Registers the tests of the contract under `name`.
 * @param open joins one broker to a bus of its own.
 */
export function busContract(name: string, open: () => Promise<Bus>): void {
  describe(`${name} keeps the contract of a Bus`, () => {
    test('brings a broker its own messages, once each and in order, at every QoS', async () => {
      const bus = await open();
      const topics: string[] = [];
      bus.subscribe('a/#');
      bus.receive(({ topic }) => topics.push(topic.name) > 0);
      const sent = Array.from({ length: 30 }, (_, n) => sampleMessage(`a/${n}`, 'x', (n % 3) as 0 | 1 | 2));
      for (const one of sent) await bus.publish(one);
      await eventually(() => topics.length >= sent.length);
      assert.deepEqual(
        topics,
        sent.map((one) => one.topic.name),
      );
    });

    test('hands over topic, payload and QoS as they were published', async () => {
      const bus = await open();
      const taken: Message[] = [];
      bus.subscribe('a');
      bus.receive((one) => taken.push(one) > 0);
      await bus.publish(sampleMessage('a', 'text', 2));
      await eventually(() => taken.length > 0);
      assert.deepEqual([taken[0].topic.name, Buffer.from(taken[0].payload).toString(), taken[0].qos], ['a', 'text', 2]);
    });

    test('does not say that nobody was interested where somebody took the message', async () => {
      const bus = await open();
      bus.subscribe('a');
      bus.receive(() => true);
      assert.equal(await bus.publish(sampleMessage('a')), true);
    });

    test('says false only where nobody took the message', async () => {
      const bus = await open();
      let taken = 0;
      bus.receive(() => {
        taken++;
        return false;
      });
      bus.subscribe('a');
      bus.unsubscribe('a');
      const answer = await bus.publish(sampleMessage('a'));
      assert.ok(answer === false || taken === 0);
    });
  });
}
