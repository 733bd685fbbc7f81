import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { altered, probed } from '../contract/probed-server.ts';
import { SERVER_CHECKS } from './server-checks.ts';

const find = probed.bind(undefined, SERVER_CHECKS);

describe('checks of the server', { concurrency: 4 }, () => {
  test('what Dunlin says of itself', async () => {
    assert.match(
      String((await find('disconnect-reasons')).note),
      /^Topic Alias invalid \(0x94\); Reason String: Cannot/,
    );
    assert.deepEqual(await find('response-information'), { tried: false, note: 'not given when asked for' });
    assert.deepEqual(await find('enhanced-authentication'), {
      tried: false,
      note: 'SCRAM-SHA-256: Bad authentication method (0x8C)',
    });
  });

  test('$SYS with a version, without one, and without topics', async () => {
    const said = (topic: string, payload: string) => ({
      toServer: altered('subscribe', ({ packetId }, answer) => {
        answer({ type: 'suback', packetId, reasonCodes: [0], properties: {} });
        if (topic === '') return undefined;
        const message = { type: 'publish', dup: false, qos: 0, retain: true, packetId: 0, properties: {} } as const;
        answer({ ...message, topic, payload: Buffer.from(payload) });
        return undefined;
      }),
    });
    assert.deepEqual(await find('sys', said('$SYS/brokers/node/version', 'emqx 5')), { tried: true, note: 'emqx 5' });
    assert.deepEqual(await find('sys', said('$SYS/uptime', '5')), { tried: true, note: '1 topics' });
    assert.deepEqual(await find('sys', said('', '')), { tried: false, note: 'nothing came' });
  });

  test('a server that closes without a word, or with a code alone', async () => {
    const toClient = altered('disconnect', () => 'end');
    assert.deepEqual(await find('disconnect-reasons', { toClient }), {
      tried: false,
      note: 'it closes without DISCONNECT',
    });
    const terse = altered('disconnect', (packet) => ({ ...packet, properties: {} }));
    const { note } = await find('disconnect-reasons', { toClient: terse });
    assert.equal(note, 'Topic Alias invalid (0x94); no Reason String');
  });

  test('a server that gives Response Information and offers SCRAM', async () => {
    const informed = altered('connack', (packet) => ({ ...packet, properties: { responseInformation: 'answers/me' } }));
    assert.deepEqual(await find('response-information', { toClient: informed }), { tried: true, note: 'answers/me' });
    const scram = altered('connect', (packet, answer) => {
      const { authenticationMethod } = packet.properties;
      if (authenticationMethod === undefined) return packet;
      answer({ type: 'auth', reasonCode: 0x18, properties: { authenticationMethod } });
      return undefined;
    });
    assert.deepEqual(await find('enhanced-authentication', { toServer: scram }), {
      tried: true,
      note: 'SCRAM-SHA-256',
    });
  });

  test('a refusal of the user says nothing of the method', async () => {
    const toClient = altered('connack', (packet) =>
      packet.reasonCode === 0 ? packet : { ...packet, reasonCode: 0x87 },
    );
    assert.deepEqual(await find('enhanced-authentication', { toClient }), {
      tried: undefined,
      note: 'SCRAM-SHA-256: Not authorized (0x87)',
    });
  });
});
