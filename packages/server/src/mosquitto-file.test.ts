import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ConfigurationError } from './configuration.ts';
import { Problems } from './configuration-reading.ts';
import { looksLikeMosquitto, MosquittoValues, parseMosquittoFile } from './mosquitto-file.ts';

function problemsOf(text: string): readonly string[] {
  try {
    parseMosquittoFile(text, 'm.conf');
  } catch (error) {
    assert.ok(error instanceof ConfigurationError);
    return error.problems;
  }
  return [];
}

test('divides name and value at blanks, and takes only # at the start of a line for a comment', () => {
  const text = '# a comment\r\n\r\n  listener  1883 # here\r\nacl_file /a file#1 \n   \nport 1883';
  assert.deepEqual(parseMosquittoFile(text, 'm.conf'), [
    { name: 'listener', value: '1883 # here', line: 3 },
    { name: 'acl_file', value: '/a file#1', line: 4 },
    { name: 'port', value: '1883', line: 6 },
  ]);
});

test('names file and line of what Mosquitto does not know, and of what has no value', () => {
  assert.deepEqual(problemsOf('listener 1883\nalow_anonymous true\nlistener\n\tport 1\n zzz 1'), [
    'm.conf:2: "alow_anonymous" is unknown: did you mean allow_anonymous?',
    'm.conf:3: listener has no value: one is expected behind it',
    'm.conf:4: "\\tport" is unknown: did you mean port?',
    'm.conf:5: "zzz" is unknown: an option of Mosquitto 2.0 or 2.1 is expected',
  ]);
});

test('does not follow include_dir, and says what to do', () => {
  assert.match(
    problemsOf('include_dir /etc/mosquitto/conf.d')[0],
    /^m\.conf:1: include_dir is not followed: .*whole\.conf/,
  );
});

test('reads any text to options or a ConfigurationError', () => {
  const line = fc.oneof(
    fc.string(),
    fc.constantFrom('listener 1', 'connection', '#', 'plugin_opt_a b', 'log_dest file'),
  );
  fc.assert(fc.property(fc.array(line), (lines) => void problemsOf(lines.join('\n'))));
});

test('knows a mosquitto.conf by its lines', () => {
  assert.ok(looksLikeMosquitto('# hello\nlistener 1883\nallow_anonymous true\nmisspelled 1'));
  for (const other of ['', '# nothing', 'listeners:\n  - port: 1883', 'user: ada', 'a text about a listener'])
    assert.ok(!looksLikeMosquitto(other), other);
});

test('reads numbers, switches and words as Mosquitto does, and tells what is wrong with its line', () => {
  const problems = new Problems();
  const values = new MosquittoValues('m.conf', problems);
  const given = (value: string) => ({ name: 'autosave_interval', value, line: 7 });
  assert.deepEqual(
    ['1', '0x10', '-1', '5 # five'].map((text) => values.number(given(text))),
    [1, 16, -1, 5],
  );
  assert.deepEqual(
    ['true', '1', 'false', '0 # off'].map((text) => values.switch(given(text))),
    [true, true, false, false],
  );
  assert.equal(values.choice(given('b'), { a: 1, b: 2 }), 2);
  for (const text of ['x', '2147483648', '1.5']) assert.equal(values.number(given(text)), undefined);
  values.number(given('x'));
  values.switch(given('yes'));
  values.choice(given('toString'), { a: 1, b: 2 });
  assert.throws(() => problems.throwIfAny(), {
    problems: [
      ...['x', '2147483648', '1.5'].map(
        (text) => `m.conf:7: autosave_interval is "${text}": a whole number up to 2147483647 is expected`,
      ),
      'm.conf:7: autosave_interval is "yes": true or false is expected',
      'm.conf:7: autosave_interval is "toString": one of a, b is expected',
    ],
  });
});

test('says how large a text that is too large is', () => {
  assert.deepEqual(problemsOf('#'.repeat(5_000_000)), [
    'Cannot read m.conf: it has 5000000 characters, at most 4194304 are expected',
  ]);
});
