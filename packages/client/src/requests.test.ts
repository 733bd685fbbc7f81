import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PacketIdentifiers } from '@dunlin/protocol';
import { type RequestResult, Requests } from './requests.ts';

const request = { filter: 'a', qos: 1 as const, noLocal: false, retainAsPublished: false, retainHandling: 0 as const };

function setUp(send = (): void => {}) {
  const identifiers = new PacketIdentifiers();
  const requests = new Requests({ send }, identifiers);
  const outcomes: (RequestResult | string)[] = [];
  const settle = {
    resolve: (result: RequestResult) => void outcomes.push(result),
    reject: (error: Error) => void outcomes.push(error.message),
  };
  return { requests, identifiers, outcomes, settle };
}

test('requests are answered by their identifier, in any order', () => {
  const { requests, outcomes, settle, identifiers } = setUp();
  requests.subscribe([request], {}, settle);
  requests.unsubscribe(['b', 'c'], {}, settle);
  requests.unsuback({ type: 'unsuback', packetId: 2, properties: {}, reasonCodes: [0, 0x11] });
  requests.suback({ type: 'suback', packetId: 1, properties: { reasonString: 'x' }, reasonCodes: [1] });
  assert.deepEqual(outcomes, [
    {
      results: [
        { filter: 'b', reasonCode: 0 },
        { filter: 'c', reasonCode: 0x11 },
      ],
      properties: {},
    },
    { results: [{ filter: 'a', reasonCode: 1 }], properties: { reasonString: 'x' } },
  ]);
  assert.equal(identifiers.inUse, 0);
});

test('an answer of the other kind is a fault', () => {
  const { requests, settle } = setUp();
  requests.subscribe([request], {}, settle);
  assert.throws(() => requests.unsuback({ type: 'unsuback', packetId: 1, properties: {}, reasonCodes: [0] }), {
    reasonCode: 0x82,
  });
});

test('a request that cannot be sent throws and takes no identifier', () => {
  const { requests, settle, identifiers, outcomes } = setUp(() => {
    throw new Error('too large');
  });
  assert.throws(() => requests.subscribe([request], {}, settle), /too large/);
  assert.deepEqual([identifiers.inUse, outcomes], [0, []]);
});

test('the end rejects every request', () => {
  const { requests, settle, identifiers, outcomes } = setUp();
  requests.subscribe([request], {}, settle);
  requests.unsubscribe(['a'], {}, settle);
  requests.end(new Error('over'));
  assert.deepEqual([identifiers.inUse, outcomes], [0, ['over', 'over']]);
});
