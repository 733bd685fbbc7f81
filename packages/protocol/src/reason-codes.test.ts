import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PACKET_TYPES, type PacketName, type Side } from './packet-types.ts';
import { connackReturnCode, isReasonCodeAllowed, REASON_CODES, ReasonCode, reasonCodeName } from './reason-codes.ts';

/** The tables of the packets in MQTT 5.0, with the two wider readings of DISCONNECT. */
const ALLOWED: Record<string, Record<Side, string>> = {
  connack: { client: '', server: '00 80 81 82 83 84 85 86 87 88 89 8a 8c 90 95 97 99 9a 9b 9c 9d 9f' },
  puback: both('00 10 80 83 87 90 91 97 99'),
  pubrec: both('00 10 80 83 87 90 91 97 99'),
  pubrel: both('00 92'),
  pubcomp: both('00 92'),
  suback: { client: '', server: '00 01 02 80 83 87 8f 91 97 9e a1 a2' },
  unsuback: { client: '', server: '00 11 80 83 87 8f 91' },
  disconnect: {
    client: '00 04 80 81 82 83 8c 90 93 94 95 96 97 98 99 9b',
    server: '00 80 81 82 83 87 89 8b 8c 8d 8e 8f 90 93 94 95 96 97 98 99 9a 9b 9c 9d 9e 9f a0 a1 a2',
  },
  auth: { client: '18 19', server: '00 18' },
};

function both(codes: string): Record<Side, string> {
  return { client: codes, server: codes };
}

test('admits in each packet the codes of its table and no other [MQTT-3.2.2-8, 3.4.2-1, 3.9.3-2, 3.14.2-1]', () => {
  for (const { name } of PACKET_TYPES) {
    for (const sender of ['client', 'server'] as const) {
      const expected = new Set((ALLOWED[name]?.[sender] ?? '').split(' '));
      for (let code = 0; code < 256; code++) {
        const hex = code.toString(16).padStart(2, '0');
        assert.equal(isReasonCodeAllowed(name, code, sender), expected.has(hex), `${name} 0x${hex} from ${sender}`);
      }
    }
  }
});

test('holds 43 values in 45 names (2.4)', () => {
  assert.equal(new Set(REASON_CODES.map((entry) => entry.value)).size, 43);
  assert.equal(REASON_CODES.length, 45);
  const named = REASON_CODES.map(({ name, value }) => {
    const [first, ...rest] = name.split(/[ -]/);
    const key = [first.toLowerCase(), ...rest.map((word) => word[0].toUpperCase() + word.slice(1))].join('');
    return [key, value];
  });
  assert.deepEqual(named, Object.entries(ReasonCode));
});

test('names 0x00 after the packet it stands in', () => {
  const names: readonly [PacketName | undefined, string][] = [
    [undefined, 'Success'],
    ['connack', 'Success'],
    ['disconnect', 'Normal disconnection'],
    ['suback', 'Granted QoS 0'],
  ];
  for (const [packet, name] of names) assert.equal(reasonCodeName(0, packet), name);
  assert.equal(reasonCodeName(0x87), 'Not authorized');
  assert.equal(reasonCodeName(0x7f), 'Reason Code 0x7F');
});

test('translates CONNACK codes for 3.1.1 and leaves out what has no Return Code', () => {
  const codes: Record<number, readonly number[]> = {
    0: [0x00],
    1: [0x84],
    2: [0x85],
    3: [0x88, 0x89, 0x97, 0x9c, 0x9d, 0x9f],
    4: [0x86],
    5: [0x87, 0x8a, 0x8c],
  };
  const known = new Map(Object.entries(codes).flatMap(([to, from]) => from.map((code) => [code, Number(to)] as const)));
  for (let code = 0; code < 256; code++)
    assert.equal(connackReturnCode(code), known.get(code), `0x${code.toString(16)}`);
});
