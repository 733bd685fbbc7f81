import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReceivedMessage } from '@dunlin/client';
import type { PublishPacket } from '@dunlin/protocol';
import { compileFormat, PARAMETERS } from './message-format.ts';

const moment = { epochMs: 1_600_000_000_123, nanoseconds: 123_456_000 };

function message(fields: Partial<PublishPacket> = {}): ReceivedMessage {
  const packet: PublishPacket = {
    type: 'publish',
    dup: false,
    qos: 1,
    retain: false,
    topic: 'f/topic',
    packetId: 7,
    properties: {},
    payload: Buffer.from('hello'),
    ...fields,
  };
  return new ReceivedMessage(packet, packet.topic);
}

const format = (text: string, fields: Partial<PublishPacket> = {}): string =>
  compileFormat(text)(message(fields), moment).toString();

test('every parameter gives its part of the message', () => {
  const properties = {
    topicAlias: 3,
    contentType: 'ctype',
    correlationData: Buffer.from('corr'),
    messageExpiryInterval: 77,
    payloadFormatIndicator: 1 as const,
    userProperties: [
      ['k', 'v'],
      ['k2', 'v2'],
    ] as const,
    responseTopic: 'r/t',
    subscriptionIdentifiers: [4, 5],
  };
  const all = '%A|%C|%D|%E|%F|%P|%R|%S|%l|%m|%p|%q|%r|%t|%x|%X|%%';
  assert.equal(
    format(all, { properties }),
    '3|ctype|corr|77|1|k:v k2:v2|r/t|4 5|5|7|hello|1|0|f/topic|68656c6c6f|68656C6C6F|%',
  );
  assert.equal(
    format(all, { qos: 0, packetId: 0, retain: true }),
    '||||||||5|0|hello|0|1|f/topic|68656c6c6f|68656C6C6F|%',
  );
});

test('payload bytes stay as they are', () => {
  const payload = Buffer.of(0, 255, 10);
  assert.deepEqual(compileFormat('%p')(message({ payload }), moment), payload);
});

test('widths pad, left or right, with blanks or zeros, and a maximum cuts text', () => {
  assert.equal(format('%10t|%-10t|%3.3t|%.2t|%10.3t'), '   f/topic|f/topic   |f/t|f/|       f/t');
  assert.equal(format('%5l|%05l|%-5l|%-05l|%2l'), '    5|00005|5    |5    | 5');
  assert.equal(format('%7p|%-7p|%07p|%3p'), '  hello|hello  |00hello|hello');
  assert.equal(format('%12x|%-12x|%012X|%3x'), '  68656c6c6f|68656c6c6f  |0068656C6C6F|68656c6c6f');
  assert.equal(format('%8E|%08E|%3q|%3r'), '        |        |1|0');
});

test('times come from the moment of receipt', () => {
  assert.match(format('%I'), /^2020-09-1[234]T\d\d:26:40[+-]\d{4}$/);
  assert.equal(format('%U'), '1600000000.123456000');
  assert.match(format('@Y-@m @s.@N @@'), /^2020-09 1600000000\.123456000 @$/);
});

test('escapes are the characters they name', () => {
  assert.equal(format('\\a\\e\\n\\r\\t\\v\\0\\\\'), '\x07\x1b\n\r\t\v\0\\');
});

test('%j and %J give JSON, in one line or pretty', () => {
  assert.equal(JSON.parse(format('%j')).payload, 'hello');
  assert.equal(JSON.parse(format('%J', { payload: Buffer.from('[1]') })).payload[0], 1);
  assert.match(compileFormat('%j', { pretty: true })(message(), moment).toString(), /\n {2}"topic": "f\/topic",\n/);
});

test('what does not exist is refused when the format is read', () => {
  for (const text of ['%', 'a%5', '%Q', '%-', '@', '@q', '\\', '\\q', '%99999t', 'a\\']) {
    assert.throws(() => compileFormat(text), /Cannot use the format/, text);
  }
});

test('text around and between is kept, also outside of ASCII', () => {
  assert.equal(format('å%t→%q𝄞'), 'åf/topic→1𝄞');
  assert.equal(format(''), '');
});

test('every parameter is a single letter and says what it is', () => {
  for (const [letter, { help }] of Object.entries(PARAMETERS)) assert.ok(letter.length === 1 && help !== '');
});

test('on a terminal texts of others are harmless, and the payload stays as it is', () => {
  const fields = { topic: 'a\u202e\n', payload: Buffer.from('\u001b'), properties: { contentType: '\u009b' } };
  const shown = (text: string): string => compileFormat(text, { isTerminal: true })(message(fields), moment).toString();
  assert.equal(shown('%t|%C|%p\\n'), 'a\\u202e\\u000a|\\u009b|\u001b\n');
  const data = { ...fields, properties: { correlationData: Buffer.from('a\u001b\u202e') } };
  assert.equal(String(compileFormat('%D', { isTerminal: true })(message(data), moment)), 'a\\u001b\\u202e');
  assert.equal(JSON.parse(shown('%j')).topic, fields.topic);
  assert.doesNotMatch(shown('%j'), /\p{C}/u);
});
