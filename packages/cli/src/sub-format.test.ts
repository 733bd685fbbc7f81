import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReceivedMessage } from '@dunlin/client';
import { readSubFlags } from './sub-flags.ts';
import { formatOf } from './sub-format.ts';

const read = (line: string) => readSubFlags(line.split(' '));

test('messages print as payload, with topic, or in a format', () => {
  const print = (line: string, payload = 'x') => {
    const packet = { type: 'publish' as const, dup: false, qos: 0 as const, retain: false, topic: 'a', packetId: 0 };
    const message = new ReceivedMessage({ ...packet, properties: {}, payload: Buffer.from(payload) }, 'a');
    return formatOf(read(line))(message, { epochMs: 0, nanoseconds: 0 }).toString();
  };
  assert.deepEqual([print('-t a'), print('-t a -N'), print('-t a', '')], ['x\n', 'x', '']);
  assert.deepEqual([print('-t a -v'), print('-t a -v', '')], ['a x\n', 'a (null)\n']);
  assert.deepEqual([print('-t a -v -N'), print('-t a -v -N', '')], ['a x', '']);
  assert.deepEqual([print('-t a -F %t:%p'), print('-t a -F %p', ''), print('-t a -F %p -N -v')], ['a:x\n', '\n', 'x']);
});

test('on a terminal a topic cannot play with it; for a program it stands as it is', () => {
  const packet = { type: 'publish' as const, dup: false, qos: 0 as const, retain: false, topic: 'a', packetId: 0 };
  const message = new ReceivedMessage({ ...packet, properties: {}, payload: Buffer.from('\u202e') }, '\u001b[2J');
  const print = (isTerminal: boolean) =>
    formatOf(read('-t a -v'), { isTerminal, dim: (text) => text })(message, { epochMs: 0, nanoseconds: 0 }).toString();
  assert.equal(print(true), '\\u001b[2J \u202e\n');
  assert.equal(print(false), '\u001b[2J \u202e\n');
});

test('--json on a terminal is the same value, with nothing in it that a terminal obeys', () => {
  const packet = { type: 'publish' as const, dup: false, qos: 0 as const, retain: false, topic: 'a', packetId: 0 };
  const properties = { contentType: '\u2066' };
  const message = new ReceivedMessage({ ...packet, properties, payload: Buffer.from('\u202e') }, 'a');
  const [terminal, program] = [true, false].map((isTerminal) =>
    formatOf(read('-t a --json'), { isTerminal, dim: (text) => text })(message, {
      epochMs: 0,
      nanoseconds: 0,
    }).toString(),
  );
  assert.doesNotMatch(terminal, /[\u202e\u2066]/);
  assert.match(program, /\u202e[\s\S]*\u2066/);
  assert.deepEqual(JSON.parse(terminal), JSON.parse(program));
});

test('--pretty indents JSON and leaves everything else alone', () => {
  const packet = { type: 'publish' as const, dup: false, qos: 0 as const, retain: false, topic: 'a', packetId: 0 };
  const print = (payload: string | Uint8Array, flags = '') => {
    const message = new ReceivedMessage({ ...packet, properties: {}, payload: Buffer.from(payload as string) }, 'a');
    return formatOf(read(`-t a --pretty${flags}`))(message, { epochMs: 0, nanoseconds: 0 }).toString('latin1');
  };
  assert.equal(print('{"n":1e400,"l":[]}'), '{\n  "n": 1e400,\n  "l": []\n}\n');
  assert.equal(print('[1]', ' -v'), 'a [\n  1\n]\n');
  assert.equal(print('no json'), 'no json\n');
  assert.equal(print(Uint8Array.of(0xff, 0x7b)), '\xff{\n');
  assert.equal(print(''), '');
});

test('--hex dims offsets only where there is a terminal to dim them', () => {
  const packet = { type: 'publish' as const, dup: false, qos: 0 as const, retain: false, topic: 'a', packetId: 0 };
  const message = new ReceivedMessage({ ...packet, properties: {}, payload: Buffer.from('x') }, 'a');
  const format = formatOf(read('-t a --hex'), { isTerminal: true, dim: (text) => `<${text}>` });
  assert.match(format(message, { epochMs: 0, nanoseconds: 0 }).toString(), /^<00000000> {2}78 +\|x\|\n$/);
});
