import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodePacket } from './decode.ts';
import { connectVersionHint, decodeConnect } from './decode-connect.ts';
import { encodePacket } from './encode.ts';
import { MqttError } from './errors.ts';
import type { ConnectPacket, ProtocolVersion } from './packets.ts';

const CONNECT: ConnectPacket = {
  type: 'connect',
  protocolVersion: 5,
  bridge: false,
  clientId: 'c',
  cleanStart: true,
  keepAlive: 0,
  properties: {},
};

test('hints at the version in which to answer a refused CONNECT', () => {
  const cases: readonly [string, ProtocolVersion | undefined][] = [
    ['00044d51545405', 5],
    ['00044d51545406', 5],
    ['00044d515454ff', 5],
    ['00044d51545404', 4],
    ['00044d51545400', 4],
    ['00044d51545484', 4],
    ['00064d514973647003', 3],
    ['00064d514973647005', 3],
    ['00044d515454', undefined],
    ['00046d71747405', undefined],
    ['ffff4d51545405', undefined],
    ['00', undefined],
    ['', undefined],
  ];
  for (const [body, version] of cases) {
    const bytes = Buffer.from(`10${body}`, 'hex');
    assert.equal(connectVersionHint(bytes, 1, bytes.length), version, body);
  }
});

test('decodeConnect and decodePacket read the same CONNECT', () => {
  const bytes = encodePacket({ ...CONNECT, username: 'u' }, 5);
  const packet = decodeConnect(bytes, 0, 2, bytes.length);
  assert.deepEqual(packet, { ...CONNECT, username: 'u' });
  assert.deepEqual(decodePacket(4, 'server', bytes, 0, 2, bytes.length), packet);
});

test('password and Will Payload are views of the bytes and may hold anything [MQTT-3.1.3-12]', () => {
  const will = { topic: 'w', payload: Uint8Array.of(0xff, 0), qos: 0, retain: false, properties: {} } as const;
  const bytes = encodePacket({ ...CONNECT, will, password: Uint8Array.of(0, 0xc3, 0x28) }, 5);
  const packet = decodeConnect(bytes, 0, 2, bytes.length);
  assert.deepEqual(packet.password, Uint8Array.of(0, 0xc3, 0x28));
  assert.deepEqual(packet.will?.payload, Uint8Array.of(0xff, 0));
  assert.equal(packet.password?.buffer, bytes.buffer);
  assert.equal(packet.will?.payload.buffer, bytes.buffer);
});

test('applies the text rules to client identifier, user name, Will Topic and properties (1.5.4)', () => {
  const will = { topic: 'w\u0001', payload: new Uint8Array(0), qos: 0, retain: false, properties: {} } as const;
  const userProperties = [['a\u0001', 'b']] as const;
  const fields: readonly Partial<ConnectPacket>[] = [
    { clientId: 'c\u0001' },
    { username: 'u\u0001' },
    { will },
    { properties: { userProperties } },
  ];
  for (const field of fields) {
    const bytes = encodePacket({ ...CONNECT, ...field }, 5);
    assert.throws(() => decodeConnect(bytes, 0, 2, bytes.length), MqttError);
    assert.deepEqual(decodeConnect(bytes, 0, 2, bytes.length, { strictText: false }), { ...CONNECT, ...field });
  }
});

test('refuses a CONNECT cut anywhere, without reading what lies behind it [MQTT-3.1.4-1]', () => {
  const will = {
    topic: 'w',
    payload: Uint8Array.of(1),
    qos: 1,
    retain: true,
    properties: { willDelayInterval: 1 },
  } as const;
  for (const protocolVersion of [3, 4, 5] as const) {
    const whole: ConnectPacket = { ...CONNECT, protocolVersion, will, username: 'user', password: Uint8Array.of(1) };
    const bytes = encodePacket(whole, protocolVersion);
    // At level 3 the packet may end before either credential.
    const allowed = protocolVersion === 3 ? [bytes.length - 3, bytes.length - 9] : [];
    for (let end = 2; end < bytes.length; end++) {
      if (allowed.includes(end)) assert.equal(decodeConnect(bytes, 0, 2, end).password, undefined);
      else assert.throws(() => decodeConnect(bytes, 0, 2, end), MqttError, `level ${protocolVersion}, ${end} bytes`);
    }
  }
});

test('holds nothing the peer sent in the text of an error about its Protocol Name', () => {
  const bytes = Buffer.from('100c00064d5158585858040200000000', 'hex');
  assert.throws(
    () => decodeConnect(bytes, 0, 2, 14),
    (error) => error instanceof MqttError && error.reasonCode === 0x84 && !error.message.includes('MQXXXX'),
  );
});
