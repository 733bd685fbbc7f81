import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runningServer } from '../contract/local-server.ts';
import { altered, probed, without } from '../contract/probed-server.ts';
import { SESSION_CHECKS } from './session-checks.ts';

const find = probed.bind(undefined, SESSION_CHECKS);

describe('checks of sessions', { concurrency: 8 }, () => {
  for (const { id } of SESSION_CHECKS) {
    test(`on a good server "${id}" says yes`, async () => {
      assert.equal((await find(id)).tried, true);
    });
  }

  for (const version of [3, 4] as const) {
    test(`level ${version}: a session goes on without the properties of MQTT 5.0`, async () => {
      assert.equal((await find('session', {}, { version })).tried, true);
    });
  }

  test('a session that is gone, or lost what came', async () => {
    const gone = { toServer: altered('connect', (packet) => ({ ...packet, cleanStart: true })) };
    assert.deepEqual(await find('session', gone), { tried: false, note: 'it was gone' });
    const lost = { toClient: altered('publish', () => undefined) };
    assert.match(String((await find('session', lost)).note), /it was there, with 0 of 1 messages/);
  });

  test('a session that lives on', async () => {
    const long = altered('connect', (packet) => {
      const isShort = packet.properties.sessionExpiryInterval === 1;
      return isShort ? { ...packet, properties: { sessionExpiryInterval: 60 } } : packet;
    });
    assert.deepEqual(await find('session-expiry', { toServer: long }), {
      tried: false,
      note: 'a session of 1 s was there after 3.5 s',
    });
  });

  test('a will that is not published, and one that is not delayed', async () => {
    const none = altered('connect', ({ will: _, ...packet }) => packet);
    assert.deepEqual(await find('will', { toServer: none }, { timeoutMs: 1000 }), {
      tried: undefined,
      note: 'waiting for the will: no answer within 1 s',
    });
    const now = altered('connect', (packet) =>
      packet.will === undefined ? packet : { ...packet, will: { ...packet.will, properties: {} } },
    );
    assert.equal((await find('will-delay', { toServer: now })).tried, false);
  });

  test('a Keep Alive that nobody enforces, and one that the server sets itself', async () => {
    const never = altered('connect', (packet) => ({ ...packet, keepAlive: 0 }));
    const { tried, note } = await find('keep-alive', { toServer: never }, { timeoutMs: 2500 });
    assert.deepEqual([tried, note], [false, 'a silent client with 1 s was there after 2.0 s']);
    const told = altered('connack', (packet) => ({ ...packet, properties: { serverKeepAlive: 900 } }));
    const set = await find('keep-alive', { toServer: never, toClient: told }, { timeoutMs: 1500 });
    assert.deepEqual(set, { tried: undefined, note: 'the server asks for 900 s, longer than this check' });
  });

  test('a Client Identifier that is not told, and an empty one for a session that stays', async () => {
    const untold = { toClient: without('connack', 'assignedClientIdentifier') };
    assert.deepEqual(await find('assigned-client-id', untold), { tried: false, note: 'accepted without telling one' });
    const lax = altered('connect', (packet) => (packet.clientId === '' ? { ...packet, cleanStart: true } : packet));
    assert.match(String((await find('empty-client-id', { toServer: lax })).note), /which \[MQTT-3\.1\.3-8\] forbids/);
  });
});

test('no session is left', async () => {
  assert.ok((await find('session')).tried);
  assert.equal(runningServer().broker.sessionsById.size, 0);
});
