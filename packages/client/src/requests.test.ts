import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Properties } from '@dunlin/protocol';
import { MqttError } from './errors.ts';
import { packetIdentifiers } from './packet-identifiers.ts';
import { type Request, type RequestResult, Requests, requestsOf } from './requests.ts';
import { fakeLink, told } from './testing/fake-link.ts';

function setUp(requestsMax = 10) {
  const open = new Map<number, Request>();
  const requests = new Requests(open, packetIdentifiers(open), requestsMax, () => {});
  const outcomes: (RequestResult | string)[] = [];
  const request = (type: Request['type'], filters: string[], properties: Properties = {}): Request => ({
    type,
    filters,
    subscriptions: filters.map((filter) => ({
      filter,
      qos: 1,
      noLocal: false,
      retainAsPublished: false,
      retainHandling: 0,
    })),
    properties,
    identifier: 7,
    settle: {
      resolve: (result) => void outcomes.push(result),
      reject: (error) => void outcomes.push(error.message),
    },
  });
  return { requests, open, outcomes, request };
}

test('what is undefined of a filter is that of the options, and then the default', () => {
  assert.deepEqual(
    requestsOf([{ filter: 'a', qos: undefined, noLocal: true, retainHandling: undefined }], { qos: 1 }),
    [{ filter: 'a', qos: 1, noLocal: true, retainAsPublished: false, retainHandling: 0 }],
  );
});

test('requests are answered by their identifier, in any order', () => {
  const { requests, outcomes, request, open } = setUp();
  requests.begin(fakeLink().link, []);
  requests.add(request('subscribe', ['a']));
  requests.add(request('unsubscribe', ['b', 'c']));
  requests.answered({ type: 'unsuback', packetId: 2, properties: {}, reasonCodes: [0, 0x11] });
  requests.answered({ type: 'suback', packetId: 1, properties: { reasonString: 'x' }, reasonCodes: [1] });
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
  assert.equal(open.size, 0);
});

test('an answer of the other kind is a fault', () => {
  const { requests, request } = setUp();
  requests.begin(fakeLink().link, []);
  requests.add(request('subscribe', ['a']));
  const wrong = { type: 'unsuback' as const, packetId: 1, properties: {}, reasonCodes: [0] };
  assert.throws(() => requests.answered(wrong), { reasonCode: 0x82 });
});

test('what cannot be sent rejects and takes no identifier', () => {
  const { requests, request, open, outcomes } = setUp();
  requests.begin(fakeLink({ sharedSubscriptionAvailable: 0 }).link, []);
  requests.add(request('subscribe', ['$share/g/a']));
  assert.equal(open.size, 0);
  assert.match(String(outcomes[0]), /no Shared Subscriptions/);
});

test('what had no answer is sent again on the next connection, behind what it is given and before what waits', () => {
  const { requests, request, outcomes, open } = setUp();
  requests.begin(fakeLink().link, []);
  requests.add(request('subscribe', ['a']));
  const cancelled = request('subscribe', ['never']);
  requests.add(cancelled);
  requests.cancel(cancelled);
  requests.pause();
  requests.add(request('unsubscribe', ['b']));
  const { link, sent } = fakeLink();
  requests.begin(link, [request('subscribe', ['first'])]);
  assert.deepEqual(told(sent), ['subscribe 3', 'subscribe 4', 'unsubscribe 5']);
  assert.deepEqual(
    sent.map((packet) => (packet.type === 'subscribe' ? packet.subscriptions[0].filter : '')),
    ['first', 'a', ''],
  );
  for (const packetId of [3, 4]) requests.answered({ type: 'suback', packetId, properties: {}, reasonCodes: [0] });
  requests.answered({ type: 'unsuback', packetId: 5, properties: {}, reasonCodes: [0] });
  assert.deepEqual([outcomes.length, open.size, requests.size], [3, 0, 0]);
});

test('a Subscription Identifier goes along where the server takes it, that of the application before ours', () => {
  const { requests, request } = setUp();
  const { link, sent } = fakeLink();
  requests.begin(link, [request('subscribe', ['a']), request('subscribe', ['b'], { subscriptionIdentifiers: [5] })]);
  const without = fakeLink({ subscriptionIdentifierAvailable: 0 });
  requests.begin(without.link, []);
  const identifiers = [...sent, ...without.sent].map((packet) =>
    packet.type === 'subscribe' ? packet.properties.subscriptionIdentifiers : 'other',
  );
  // The server without identifiers is not asked for what the application wants one for.
  assert.deepEqual(identifiers, [[7], [5], undefined]);
});

test('so many may wait and no more; the end rejects every one', () => {
  const { requests, request, outcomes, open } = setUp(2);
  requests.begin(fakeLink().link, []);
  requests.add(request('subscribe', ['a']));
  requests.add(request('unsubscribe', ['a']));
  assert.throws(() => requests.add(request('subscribe', ['b'])), { code: 'queue-full' });
  requests.end(new MqttError('closed', 'over'));
  assert.deepEqual([open.size, outcomes], [0, ['over', 'over']]);
});

test('a request given up counts no more, and that is told', () => {
  let settledCalls = 0;
  const requests = new Requests(new Map(), packetIdentifiers(), 10, () => void settledCalls++);
  const { request } = setUp();
  const waiting = request('subscribe', ['a']);
  requests.add(waiting);
  requests.cancel(waiting);
  requests.begin(fakeLink().link, []);
  const sent = request('subscribe', ['b']);
  requests.add(sent);
  requests.cancel(sent);
  assert.deepEqual([requests.size, settledCalls], [0, 2]);
  requests.answered({ type: 'suback', packetId: 1, properties: {}, reasonCodes: [1] });
  assert.equal(requests.size, 0);
});
