/** The harness itself: a scripted server breaks the standard in one way each, and the client must notice. */

import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import { parse, ServerFault } from './parser.ts';
import { RawClient } from './raw-client.ts';
import { connect, hex, propertyList, publish, type Version, varint } from './wire.ts';

/** Starts a server that answers the first bytes with `answer`, and connects a client to it. */
async function scripted(version: Version, answer: Buffer, end = false): Promise<[RawClient, () => void]> {
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => (end ? socket.end(answer) : socket.write(answer)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  const client = await RawClient.open({ host: '127.0.0.1', port }, version);
  client.sendConnect({ clientId: 'a' });
  const stop = (): void => {
    client.socket.destroy();
    server.close();
  };
  return [client, stop];
}

const faults: [what: string, version: Version, bytes: string, message: RegExp][] = [
  ['reserved acknowledge flags', 4, '20 02 02 00', /reserved acknowledge flags/],
  ['Session Present at level 3', 3, '20 02 01 00', /no Session Present/],
  ['Session Present in a refusal', 4, '20 02 01 05', /Session Present is 1/],
  ['an unknown CONNACK code', 4, '20 02 00 06', /0x6 is no code of connack/],
  ['an unknown CONNACK code of 5.0', 5, '20 03 00 8b 00', /0x8b is no code of connack/],
  ['a CONNACK without properties', 5, '20 02 00 00', /property length runs past/],
  ['a property twice', 5, '20 09 00 00 06 21 00 01 21 00 02', /receiveMaximum is there twice/],
  ['a property of another packet', 5, '20 05 00 00 02 01 01', /payloadFormatIndicator must not be in connack/],
  ['Receive Maximum 0', 5, '20 06 00 00 03 21 00 00', /Receive Maximum is 0/],
  ['bytes left over', 4, '20 03 00 00 00', /1 bytes are left over/],
  ['flags on SUBACK', 4, '91 03 00 01 00', /reserved flags of suback are 1/],
  ['a SUBACK failure at level 3', 3, '90 03 00 01 80', /0x80 is no code of suback/],
  ['QoS 3', 4, '36 05 00 01 61 00 01', /QoS is 3/],
  ['DUP at QoS 0', 4, '38 03 00 01 61', /DUP is set at QoS 0/],
  ['a wildcard in a topic', 4, '30 03 00 01 23', /holds a wildcard/],
  ['bad UTF-8 in a topic', 4, '30 04 00 02 c3 28', /not valid UTF-8/],
  ['packet identifier 0', 4, '32 05 00 01 61 00 00', /Packet Identifier of publish is 0/],
  ['a padded property length', 5, '30 05 00 01 61 80 00', /not in its shortest form/],
  ['a DISCONNECT before 5.0', 4, 'e0 00', /must not send packet type 14/],
  ['a client packet', 5, 'c0 00', /must not send packet type 12/],
  ['Session Expiry in DISCONNECT', 5, 'e0 07 00 05 11 00 00 00 01', /sessionExpiryInterval must not be in disconnect/],
  ['a client code in DISCONNECT', 5, 'e0 01 04', /0x4 is no code of disconnect/],
];
for (const [what, version, bytes, message] of faults) {
  test(`notices ${what} of a server`, () => {
    assert.throws(() => parse(hex(bytes), version), message);
    assert.throws(() => parse(hex(bytes), version), ServerFault);
  });
}

test('reads back what a server may send', () => {
  const raw = publish(5, {
    topic: 'a/b',
    payload: 'x',
    qos: 2,
    id: 258,
    retain: true,
    properties: { topicAlias: 3, userProperties: [['k', 'v']], subscriptionIdentifiers: [1, 128] },
  });
  const packet = parse(raw, 5);
  assert.ok(packet.type === 'publish');
  assert.deepEqual([packet.topic, packet.qos, packet.id, packet.retain], ['a/b', 2, 258, true]);
  assert.deepEqual(packet.properties, {
    topicAlias: 3,
    userProperties: [['k', 'v']],
    subscriptionIdentifiers: [1, 128],
  });
});

test('writes variable byte integers and packets as the tables of the standard show', () => {
  for (const [value, form] of [
    [0, '00'],
    [127, '7f'],
    [128, '8001'],
    [16383, 'ff7f'],
    [16384, '808001'],
    [2097152, '80808001'],
    [268435455, 'ffffff7f'],
  ] as const) {
    assert.equal(varint(value).toString('hex'), form);
  }
  assert.equal(connect({ clientId: 'a' }).toString('hex'), '100d00044d515454040200000001' + '61');
  assert.equal(propertyList({ sessionExpiryInterval: 10 }).toString('hex'), '05110000000a');
});

test('reassembles packets from any split and keeps their order', async () => {
  const [client, stop] = await scripted(4, hex('20 02 00 00  30 03 00 01 61  d0 00'));
  await client.expect('connack', { code: 0 });
  await client.find('pingresp');
  await client.expect('publish', { topic: 'a' });
  stop();
});

test('says what came instead of what was expected', async () => {
  const [client, stop] = await scripted(4, hex('20 02 00 05'));
  await assert.rejects(client.expect('connack', { code: 0 }), /code is 5, not 0\n {2}0000 {2}20 02 00 05/);
  await assert.rejects(client.expect('publish'), /expected publish; received instead:\nconnack/);
  stop();
});

test('passes a server fault on to whoever waits', async () => {
  const [client, stop] = await scripted(4, hex('20 02 02 00'));
  await assert.rejects(client.expect('connack'), ServerFault);
  await assert.rejects(client.expectClose(), ServerFault);
  stop();
});

test('takes a close with a right code or none, and never one with a wrong code', async () => {
  for (const [answer, codes, verdict] of [
    ['20 03 00 82 00', [0x81, 0x82], 'passes'],
    ['', [0x81], 'passes'],
    ['20 03 00 87 00', [0x81], 'fails'],
    ['d0 00', [0x81], 'fails'],
  ] as const) {
    const [client, stop] = await scripted(5, hex(answer), true);
    const attempt = client.expectClose(codes);
    if (verdict === 'passes') await attempt;
    else await assert.rejects(attempt);
    stop();
  }
});

test('does not take an open connection for a closed one', async () => {
  const [client, stop] = await scripted(4, hex('20 02 00 00'));
  await client.expect('connack');
  await assert.rejects(client.expectClose([], 50), /expected the server to close/);
  await assert.rejects(client.expect('publish', {}, 50), /nothing was received/);
  await client.expectSilence(50);
  stop();
});
