import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { TransportError } from './errors.ts';
import { type ProxyHeader, readProxyHeader } from './proxy-protocol.ts';

const SIGNATURE = '0d0a0d0a000d0a515549540a';
const NOTHING = { isLocal: false, source: undefined, serverName: undefined, certificate: undefined };

/** A header of version 2: command, family with protocol, addresses and parts, all in hexadecimal. */
function v2(command: string, kind: string, body: string): Buffer {
  const length = (body.length / 2).toString(16).padStart(4, '0');
  return Buffer.from(SIGNATURE + command + kind + length + body, 'hex');
}

function part(type: number, value: Buffer): string {
  const head = Buffer.from([type, value.length >> 8, value.length & 0xff]);
  return Buffer.concat([head, value]).toString('hex');
}

const IPV4 = 'c0000207c0000201d4310 75b'.replace(' ', '');
const IPV6 = `20010db8${'0'.repeat(23)}7${'0'.repeat(31)}1d431075b`;
const CERTIFICATE = Buffer.from('3082ff', 'hex');

function ssl(flags: number, verify: number, parts = part(0x28, CERTIFICATE)): string {
  const fixed = Buffer.from([flags, 0, 0, 0, verify]);
  return part(0x20, Buffer.concat([fixed, Buffer.from(parts, 'hex')]));
}

describe('a PROXY header is read', () => {
  const vectors: [string, Buffer, ProxyHeader][] = [
    [
      'v1 TCP4',
      Buffer.from('PROXY TCP4 192.0.2.7 192.0.2.1 54321 1883\r\n'),
      { version: 1, ...NOTHING, source: { address: '192.0.2.7', port: 54321 } },
    ],
    [
      'v1 TCP6',
      Buffer.from('PROXY TCP6 2001:db8::7 ::1 54321 1883\r\n'),
      { version: 1, ...NOTHING, source: { address: '2001:db8::7', port: 54321 } },
    ],
    ['v1 UNKNOWN', Buffer.from('PROXY UNKNOWN\r\n'), { version: 1, ...NOTHING }],
    ['v1 UNKNOWN with anything', Buffer.from('PROXY UNKNOWN ffff:f...f:ffff 1 2 3\r\n'), { version: 1, ...NOTHING }],
    ['v2 IPv4', v2('21', '11', IPV4), { version: 2, ...NOTHING, source: { address: '192.0.2.7', port: 54321 } }],
    ['v2 IPv6', v2('21', '21', IPV6), { version: 2, ...NOTHING, source: { address: '2001:db8::7', port: 54321 } }],
    ['v2 Unix', v2('21', '31', '00'.repeat(216)), { version: 2, ...NOTHING }],
    ['v2 unspecified', v2('21', '00', ''), { version: 2, ...NOTHING }],
    ['v2 LOCAL', v2('20', '00', ''), { version: 2, ...NOTHING, isLocal: true }],
    ['v2 LOCAL with addresses', v2('20', '11', IPV4), { version: 2, ...NOTHING, isLocal: true }],
    [
      'v2 with the name that the client asked for',
      v2('21', '00', part(4, Buffer.alloc(9)) + part(4, Buffer.alloc(2)) + part(2, Buffer.from('mqtt.example.org'))),
      { version: 2, ...NOTHING, serverName: 'mqtt.example.org' },
    ],
    ['v2 with a name that cannot be one', v2('21', '00', part(2, Buffer.from('a\r\nb'))), { version: 2, ...NOTHING }],
    [
      'v2 with a certificate of this connection',
      v2('21', '00', ssl(0x03, 0)),
      { version: 2, ...NOTHING, certificate: Uint8Array.from(CERTIFICATE) },
    ],
    [
      'v2 with a certificate of the resumed session',
      v2('21', '00', ssl(0x05, 0, part(0x21, Buffer.from('TLSv1.3')) + part(0x28, CERTIFICATE))),
      { version: 2, ...NOTHING, certificate: Uint8Array.from(CERTIFICATE) },
    ],
    ['v2 with a certificate that the proxy found bad', v2('21', '00', ssl(0x03, 1)), { version: 2, ...NOTHING }],
    ['v2 with a certificate that nobody proved', v2('21', '00', ssl(0x01, 0)), { version: 2, ...NOTHING }],
    ['v2 with a certificate and no TLS', v2('21', '00', ssl(0x02, 0)), { version: 2, ...NOTHING }],
    ['v2 with TLS and no certificate', v2('21', '00', ssl(0x01, 0, '')), { version: 2, ...NOTHING }],
  ];
  for (const [name, bytes, header] of vectors) {
    test(`${name}, and no sooner than it is whole`, () => {
      assert.deepEqual(readProxyHeader(bytes), { header, length: bytes.length });
      assert.deepEqual(readProxyHeader(Buffer.concat([bytes, bytes])), { header, length: bytes.length });
      for (let length = 0; length < bytes.length; length += 1)
        assert.equal(readProxyHeader(bytes.subarray(0, length)), undefined);
    });
  }
});

describe('a PROXY header is refused', () => {
  const wrong: [string, Buffer, RegExp][] = [
    ['MQTT', Buffer.from('100c00044d515454', 'hex'), /does not begin as v1 or v2 does/],
    ['TLS', Buffer.from('160301', 'hex'), /does not begin/],
    ['a line without end', Buffer.from(`PROXY ${'x'.repeat(101)}`), /does not end within 107 bytes/],
    ['a line that ends too late', Buffer.from(`PROXY UNKNOWN ${'x'.repeat(92)}\r\n`), /does not end within 107 bytes/],
    ['another family', Buffer.from('PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n'), /not that of TCP4, TCP6 or UNKNOWN/],
    ['too many fields', Buffer.from('PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n'), /not that of TCP4/],
    ['too few fields', Buffer.from('PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n'), /a port in it is none/],
    ['an address of the other family', Buffer.from('PROXY TCP4 ::1 1.2.3.4 1 2\r\n'), /none of TCP4/],
    ['an address that is none', Buffer.from('PROXY TCP6 ::1 nobody 1 2\r\n'), /none of TCP6/],
    ['a port that is none', Buffer.from('PROXY TCP4 1.2.3.4 1.2.3.4 65536 1\r\n'), /a port in it is none/],
    ['a port with zeros', Buffer.from('PROXY TCP4 1.2.3.4 1.2.3.4 01 1\r\n'), /a port in it is none/],
    ['version 3', v2('31', '11', IPV4), /version or command/],
    ['another command', v2('22', '11', IPV4), /version or command/],
    ['another family in v2', v2('21', '41', IPV4), /family or protocol/],
    ['another protocol', v2('21', '13', IPV4), /family or protocol/],
    ['no room for the addresses', v2('21', '11', '00'), /too short for its addresses/],
    ['more than the limit', Buffer.from(`${SIGNATURE}2111ffff`, 'hex'), /more than 16384 bytes/],
    ['half of a part', v2('21', '00', '0400'), /cut off/],
    ['a part longer than the whole', v2('21', '00', '040001'), /longer than the whole/],
    ['a part that comes twice', v2('21', '00', ssl(3, 0) + ssl(3, 0)), /comes twice/],
    ['two certificates', v2('21', '00', ssl(3, 0, part(0x28, CERTIFICATE) + part(0x28, CERTIFICATE))), /comes twice/],
    ['a TLS part that is too short', v2('21', '00', part(0x20, Buffer.alloc(4))), /TLS part is too short/],
  ];
  for (const [name, bytes, message] of wrong)
    test(`for ${name}`, () => {
      assert.throws(() => readProxyHeader(bytes), { name: 'TransportError', code: 'DUNLIN_PROXY_HEADER', message });
    });

  test('in the version that is not expected', () => {
    assert.throws(() => readProxyHeader(Buffer.from('PROXY UNKNOWN\r\n'), 'v2'), /does not begin as v2 does/);
    assert.throws(() => readProxyHeader(v2('20', '00', ''), 'v1'), /does not begin as v1 does/);
  });
});

test('whatever the bytes are, a PROXY header is read, awaited or refused', () => {
  const begin = fc.constantFrom(
    '',
    SIGNATURE,
    `${SIGNATURE}21`,
    `${SIGNATURE}2111000c`,
    '50524f585920',
    '50524f58592054435034',
  );
  const property = fc.property(begin, fc.uint8Array({ maxLength: 400 }), (start, rest) => {
    const bytes = Buffer.concat([Buffer.from(start, 'hex'), rest]);
    try {
      const found = readProxyHeader(bytes);
      if (found === undefined) return;
      assert.ok(found.length > 0 && found.length <= bytes.length);
      assert.deepEqual(readProxyHeader(bytes.subarray(0, found.length)), found);
    } catch (error) {
      assert.ok(error instanceof TransportError, String(error));
    }
  });
  fc.assert(property, { numRuns: 3000 });
});
