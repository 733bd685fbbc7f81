import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  checkConnectionFlags,
  connectionFlagGroups,
  newConnectionFlags,
  readQos,
  versionOf,
} from './connection-flags.ts';
import { HelpAsked, readFlags } from './flags.ts';

function read(line: string) {
  const flags = newConnectionFlags();
  readFlags(
    'tool',
    connectionFlagGroups(['connect', 'publish', 'disconnect', 'will']),
    line.split(' ').filter(Boolean),
    flags,
  );
  checkConnectionFlags(flags);
  return flags;
}

test('every flag sets what it says', () => {
  const line =
    '-h host -p 1884 -V mqttv5 --nodelay -i id -u user -P pw -k 5 -c -x 60 -D CONNECT receive-maximum 9 --will-topic w ' +
    '--will-payload gone --will-qos 2 --will-retain -d --quiet -A ::1 --maximum-packet-size 1000';
  assert.deepEqual(read(line), {
    host: 'host',
    port: 1884,
    version: 5,
    clientId: 'id',
    username: 'user',
    password: 'pw',
    keepAlive: 5,
    cleanStart: false,
    sessionExpiry: 60,
    properties: { connect: { receiveMaximum: 9 } },
    will: { topic: 'w', payload: 'gone', qos: 2, retain: true },
    debug: true,
    quiet: true,
    bindAddress: '::1',
    maximumPacketSize: 1000,
    ws: false,
    tls: {},
  });
});

test('versions have the names of mosquitto_pub', () => {
  const names = ['mqttv31', '31', 'mqttv311', '311', 'mqttv5', '5'];
  assert.deepEqual(
    names.map((name) => versionOf(read(`-V ${name}`))),
    [3, 3, 4, 4, 5, 5],
  );
  assert.equal(versionOf(read('')), 5);
  assert.throws(() => read('-V 4'), /expected one of/);
});

test('a session may be kept for ever in three spellings', () => {
  for (const value of ['-1', '∞', '4294967295']) assert.equal(read(`-i a -x ${value}`).sessionExpiry, 0xffff_ffff);
  assert.equal(read('-I a -c').cleanStart, false);
});

test('what does not go together is refused', () => {
  const wrong: [string, RegExp][] = [
    ['-h a -L mqtt://b/c', /-h and -L/],
    ['-i a -I b', /-i and -I/],
    ['-h a --unix /s', /--unix together with/],
    ['-p 1 --unix /s', /with a Unix socket/],
    ['--cafile f -L mqtt+unix:///s', /with a Unix socket/],
    ['--ws -L mqtt://a', /begins with ws:/],
    ['--cafile f -L ws://a', /begins with wss:/],
    ['--cert f', /--cert without --key/],
    ['--key-pw-file f', /--key-pw-file without --key/],
    ['--tls-version tlsv1.1', /expected one of tlsv1.2, tlsv1.3/],
    ['--keyform engine', /expected pem/],
    ['-c', /-c without -i/],
    ['-c --id=', /-c without -i/],
    ['-x -1', /for ever without -i/],
    ['-V 311 -x 5', /-x with an older/],
    ['-V 311 -D CONNECT receive-maximum 9', /-D with an older/],
    ['-V 31 -P pw', /-P without -u/],
    ['--will-payload x', /without --will-topic/],
    ['--will-retain', /without --will-topic/],
    ['-D WILL content-type x', /WILL without --will-topic/],
    ['-p 0', /from 1 to 65535/],
    ['-A eth0', /IP address of this machine/],
    ['-k 65536', /from 0 to 65535/],
    ['--will-qos 3', /QoS "3"/],
  ];
  for (const [line, expected] of wrong) assert.throws(() => read(line), expected, line);
  assert.throws(() => readQos('-1'), /from 0 to 2/);
});

test('--help stops the reading, but not as the value of another flag', () => {
  assert.throws(() => read('-d --help --nonsense'), HelpAsked);
  assert.equal(read('-u --help').username, '--help');
});
