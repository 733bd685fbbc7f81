/** The client's CONNECT, and what it makes of the answer (sections 3.1, 3.2). */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ProtocolVersion } from '@dunlin/protocol';
import { connect, MqttError } from '../index.ts';
import { connected, dial, settled, subscribed } from './scripted-server.ts';

const refusedWith = (code: string, reasonCode?: number) => (error: unknown) => {
  assert.ok(error instanceof MqttError, String(error));
  assert.equal(error.code, code);
  if (reasonCode !== undefined) assert.equal(error.reasonCode, reasonCode);
  return true;
};

describe('CONNECT', () => {
  test('CONNECT is the first packet, before anything the application asks for [MQTT-3.1.0-1, MQTT311-3.1.0-1]', async () => {
    const { server } = await connected();
    assert.equal(server.bytes[0], 0x10);
  });

  const names: [ProtocolVersion, string][] = [
    [3, '0006 4d5149736470 03'],
    [4, '0004 4d515454 04'],
    [5, '0004 4d515454 05'],
  ];
  for (const [version, bytes] of names) {
    test(`level ${version} is announced by its protocol name and level [MQTT-3.1.2-1]`, async () => {
      const { server } = dial({}, { version });
      await server.next('connect');
      assert.equal(
        server.bytes.toString('hex', 2, 2 + bytes.replaceAll(' ', '').length / 2),
        bytes.replaceAll(' ', ''),
      );
    });
  }

  test('the fields follow each other as the standard orders them [MQTT-3.1.3-1, MQTT-3.1.2-9, MQTT-3.1.2-17, MQTT-3.1.2-19, MQTT311-3.1.3-1, MQTT311-3.1.2-9, MQTT311-3.1.2-19, MQTT311-3.1.2-21]', async () => {
    const will = { topic: 'w', payload: 'x', qos: 2 as const, retain: true };
    const { server } = dial({ clientId: 'c', username: 'u', password: 'p', will, keepAlive: 10 });
    await server.next('connect');
    const expected = '101e 0004 4d515454 05 f6 000a 03 220040 0001 63 00 0001 77 0001 78 0001 75 0001 70';
    assert.equal(server.bytes.toString('hex'), expected.replaceAll(' ', ''));
  });

  test('without will, user name and password their flags and fields are absent [MQTT-3.1.2-11, MQTT-3.1.2-13, MQTT-3.1.2-16, MQTT-3.1.2-18, MQTT-2.2.2-1, MQTT311-3.1.2-11, MQTT311-3.1.2-13, MQTT311-3.1.2-15, MQTT311-3.1.2-18, MQTT311-3.1.2-20]', async () => {
    const { server } = dial({ clientId: 'c', keepAlive: 10 });
    await server.next('connect');
    assert.equal(server.bytes.toString('hex'), '101100044d51545405 02 000a 03220040 000163'.replaceAll(' ', ''));
  });

  test('a Will QoS of 3 is refused here [MQTT-3.1.2-12, MQTT311-3.1.2-14]', async () => {
    const { server, connecting } = dial({ will: { topic: 'w', qos: 3 as 2 } });
    await assert.rejects(connecting, MqttError);
    assert.equal(server.bytes.length, 0);
  });

  test('a will of each QoS is announced [MQTT-3.1.2-12, MQTT311-3.1.2-14]', async () => {
    for (const qos of [0, 1, 2] as const) {
      const { server } = dial({ will: { topic: 'w', qos } });
      const packet = await server.next('connect');
      assert.equal(packet.will?.qos, qos);
    }
  });

  test('a password without a user name is refused before 5.0 and sent in 5.0 [MQTT311-3.1.2-22]', async () => {
    await assert.rejects(dial({ password: 'p' }, { version: 4 }).connecting, MqttError);
    const { server } = dial({ password: 'p' });
    assert.deepEqual(Buffer.from((await server.next('connect')).password ?? []), Buffer.from('p'));
  });

  test('text that is no UTF-8 String is refused here [MQTT-1.5.4-1, MQTT-1.5.4-2, MQTT-3.1.3-4, MQTT-3.1.3-11, MQTT-3.1.3-12, MQTT311-1.5.3-1, MQTT311-1.5.3-2, MQTT311-3.1.3-4, MQTT311-3.1.3-10, MQTT311-3.1.3-11]', async () => {
    for (const text of ['a\0b', 'a\ud800']) {
      for (const options of [{ clientId: text }, { username: text }, { will: { topic: text } }]) {
        const { server, connecting } = dial(options);
        await assert.rejects(connecting, MqttError);
        assert.equal(server.bytes.length, 0);
      }
    }
  });

  test('a will topic with a wildcard is refused here [MQTT-3.3.2-2]', async () => {
    await assert.rejects(dial({ will: { topic: 'a/#' } }).connecting, MqttError);
  });

  test('an empty Client Identifier that shall continue a session is refused before 5.0 [MQTT311-3.1.3-7]', async () => {
    const options = { clientId: '', cleanStart: false };
    await assert.rejects(dial(options, { version: 4 }).connecting, refusedWith('invalid'));
    const { server } = dial(options);
    assert.equal((await server.next('connect')).clientId, '');
  });

  test('the Client Identifier is always present, by default one every server takes [MQTT-3.1.3-3, MQTT-3.1.3-5, MQTT311-3.1.3-3]', async () => {
    const { server } = dial({ clientId: undefined } as object);
    assert.match((await server.next('connect')).clientId, /^[0-9a-zA-Z]{1,23}$/);
  });

  test('the same Client Identifier names the session each time [MQTT-3.1.3-2, MQTT311-3.1.3-2]', async () => {
    for (let time = 0; time < 2; time++) {
      const { server } = dial({ clientId: 'Same', cleanStart: false });
      const packet = await server.next('connect');
      assert.deepEqual([packet.clientId, packet.cleanStart], ['Same', false]);
    }
  });

  test('Clean Start is set unless the application continues a session [MQTT-3.1.2-4, MQTT311-3.1.2-4, MQTT311-3.1.2-6]', async () => {
    const { server } = dial();
    assert.equal((await server.next('connect')).cleanStart, true);
  });

  test('every property of CONNECT and of the will is sent', async () => {
    const properties = {
      sessionExpiryInterval: 60,
      receiveMaximum: 10,
      maximumPacketSize: 1000,
      topicAliasMaximum: 5,
      requestResponseInformation: 1 as const,
      requestProblemInformation: 1 as const,
      userProperties: [['a', 'b']] as const,
    };
    const willProperties = { willDelayInterval: 5, contentType: 'text/plain', responseTopic: 'r' };
    const { server } = dial({ properties, will: { topic: 'w', properties: willProperties } });
    const packet = await server.next('connect');
    assert.deepEqual(packet.properties, properties);
    assert.deepEqual(packet.will?.properties, willProperties);
  });

  test('properties before 5.0 are refused rather than lost', async () => {
    const options = { properties: { sessionExpiryInterval: 60 } };
    await assert.rejects(dial(options, { version: 4 }).connecting, refusedWith('not-supported'));
  });
});

describe('CONNACK', () => {
  test('the client is ready with CONNACK 0x00 and knows what the server said', async () => {
    const properties = { assignedClientIdentifier: 'given', receiveMaximum: 7, maximumPacketSize: 100 };
    const { client } = await connected({ clientId: '' }, { properties });
    assert.equal(client.state, 'connected');
    assert.equal(client.clientId, 'given');
    assert.equal(client.limits?.receiveMaximum, 7);
    assert.equal(client.limits?.maximumPacketSize, 100);
  });

  test('a refusal rejects with its Reason Code and String, and the client closes [MQTT-4.13.2-1]', async () => {
    const { server, connecting } = dial();
    await server.next('connect');
    const properties = { reasonString: 'not you' };
    server.send({ type: 'connack', sessionPresent: false, reasonCode: 0x87, properties });
    await assert.rejects(connecting, (error: MqttError) => {
      assert.equal(error.message, 'Cannot connect: Not authorized (0x87), not you');
      assert.equal(error.reasonString, 'not you');
      return refusedWith('refused', 0x87)(error);
    });
    await server.closed();
  });

  for (const [code, reasonCode] of [0x84, 0x85, 0x88, 0x86, 0x87].entries()) {
    test(`Return Code ${code + 1} of 3.1.1 rejects as ${reasonCode.toString(16)}`, async () => {
      const { server, connecting } = dial({}, { version: 4 });
      await server.next('connect');
      server.sendBytes(`2002 00 0${code + 1}`);
      await assert.rejects(connecting, refusedWith('refused', reasonCode));
    });
  }

  test('a server that answers 5.0 in the form of 3.1.1 is named as too old', async () => {
    const { server, connecting } = dial();
    await server.next('connect');
    server.sendBytes('2002 00 01');
    await assert.rejects(connecting, (error: MqttError) => error.reasonCode === 0x84);
  });

  test('Session Present 1 for a client without a session closes the connection [MQTT-3.2.2-4]', async () => {
    const { server, connecting } = dial();
    await server.next('connect');
    server.send({ type: 'connack', sessionPresent: true, reasonCode: 0, properties: {} });
    await assert.rejects(connecting, (error: MqttError) => error.reasonCode === 0x82);
    await server.closed();
  });

  test('a session that is continued takes Session Present 1 and 0', async () => {
    for (const sessionPresent of [true, false]) {
      const { client } = await connected({ cleanStart: false }, { sessionPresent });
      assert.equal(client.connack?.sessionPresent, sessionPresent);
    }
  });

  test('a packet before CONNACK has at most 128 KiB, later ones what the client says', async () => {
    const { server, connecting } = dial();
    await server.next('connect');
    // Its head is enough.
    server.sendBytes('20 81 80 08');
    await assert.rejects(connecting, { code: 'packet-too-large', reasonCode: 0x95 });
    const later = await subscribed();
    later.server.publish({ topic: 'a', payload: new Uint8Array(200_000) });
    await settled();
    assert.equal(later.messages.length, 1);
  });

  test('anything but CONNACK, AUTH and DISCONNECT before CONNACK closes the connection', async () => {
    const { server, connecting } = dial();
    await server.next('connect');
    server.publish({ topic: 'a' });
    await assert.rejects(connecting, (error: MqttError) => error.reasonCode === 0x82);
    await server.closed();
  });

  test('a second CONNACK closes the connection', async () => {
    const { server } = await connected();
    server.send({ type: 'connack', sessionPresent: false, reasonCode: 0, properties: {} });
    await server.expectEnd(0x82);
  });

  test('limits of 0 and flags that are neither 0 nor 1 in CONNACK are faults of the server [MQTT-rule-13]', async () => {
    for (const bytes of [
      '2006 00 00 03 21 0000',
      '2008 00 00 05 27 00000000',
      '2003 02 00 00',
      '2005 00 00 02 24 02',
      ...['25', '28', '29', '2a'].map((flag) => `2005 00 00 02 ${flag} 02`),
    ]) {
      const { server, connecting } = dial();
      await server.next('connect');
      server.sendBytes(bytes);
      await assert.rejects(connecting, MqttError);
      await server.closed();
    }
  });
});

describe('bounds of connecting', () => {
  test('no answer in time rejects as timed-out, and the client closes [MQTT311-rule-5]', async () => {
    const { server, connecting } = dial({ connectTimeoutMs: 20 });
    await assert.rejects(connecting, refusedWith('timed-out'));
    await server.closed();
  });

  test('an abort rejects with the reason as cause, before and after CONNECT', async () => {
    const reason = new Error('enough');
    await assert.rejects(dial({ signal: AbortSignal.abort(reason) }).connecting, (error: MqttError) => {
      assert.equal(error.cause, reason);
      return refusedWith('aborted')(error);
    });
    const controller = new AbortController();
    const { server, connecting } = dial({ signal: controller.signal });
    await server.next('connect');
    controller.abort(reason);
    await assert.rejects(connecting, refusedWith('aborted'));
    await server.closed();
  });

  test('an abort after CONNACK has no effect', async () => {
    const controller = new AbortController();
    const { client } = await connected({ signal: controller.signal });
    controller.abort();
    await settled();
    assert.equal(client.state, 'connected');
  });

  test('a connection that breaks before CONNACK rejects as lost', async () => {
    for (const end of ['cut', 'close'] as const) {
      const { server, connecting } = dial();
      await server.next('connect');
      server[end]();
      await assert.rejects(connecting, refusedWith('connection-lost'));
    }
  });

  test('nothing that listens rejects as connection-failed with the place', async () => {
    await assert.rejects(connect('mqtt://127.0.0.1:1'), (error: MqttError) => {
      assert.match(error.message, /127\.0\.0\.1:1/);
      return refusedWith('connection-failed')(error);
    });
  });

  test('a URL that is none rejects as invalid', async () => {
    await assert.rejects(connect('nowhere'), refusedWith('invalid'));
  });
});
