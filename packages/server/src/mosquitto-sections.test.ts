import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Problems } from './configuration-reading.ts';
import { MosquittoValues, parseMosquittoFile } from './mosquitto-file.ts';
import { type MosquittoSections, mosquittoSections } from './mosquitto-sections.ts';

function sectionsOf(...lines: string[]): MosquittoSections {
  const problems = new Problems();
  const given = parseMosquittoFile(lines.join('\n'), 'm.conf');
  const sections = mosquittoSections(given, new MosquittoValues('m.conf', problems));
  problems.throwIfAny();
  return sections;
}

test('gives options to the listener above them, and keeps those for everything apart', () => {
  const { general, listeners, isLocal } = sectionsOf(
    'listener 1',
    'max_qos 0',
    'acl_file a',
    'listener 2',
    'max_qos 1',
  );
  assert.deepEqual([general.get('acl_file')?.value, general.get('max_qos'), isLocal], ['a', undefined, false]);
  assert.deepEqual(
    listeners.map(({ start, options }) => [start?.value, options.get('max_qos')?.value]),
    [
      ['1', '0'],
      ['2', '1'],
    ],
  );
});

test('has a listener for this machine alone where nothing speaks of one', () => {
  const { listeners, isLocal } = sectionsOf('persistence true');
  assert.deepEqual([listeners.length, listeners[0].start, isLocal], [1, undefined, true]);
});

test('has the listener of port and bind_address, also beside others and for options before any', () => {
  const { listeners, isLocal } = sectionsOf('max_connections 3', 'listener 1', 'port 1884');
  assert.equal(isLocal, false);
  assert.deepEqual(
    [...listeners[0].options].map(({ name }) => name),
    ['max_connections', 'port'],
  );
  assert.equal(listeners[1].start?.value, '1');
});

test('makes no listener of options that only say what is so anyway', () => {
  const { listeners, isLocal } = sectionsOf('max_connections -1', 'protocol mqtt', 'max_topic_alias 5', 'listener 1');
  assert.deepEqual([listeners.map(({ start }) => start?.value), isLocal], [['1'], false]);
  assert.equal(sectionsOf('require_certificate false').isLocal, true);
  assert.equal(sectionsOf('require_certificate true').isLocal, false);
});

test('takes access for each listener where per_listener_settings says so, and refuses it before any', () => {
  const { general, listeners } = sectionsOf('per_listener_settings true', 'listener 1', 'password_file p');
  assert.deepEqual([general.get('password_file'), listeners[0].options.get('password_file')?.value], [undefined, 'p']);
  assert.throws(() => sectionsOf('per_listener_settings true', 'acl_file a', 'listener 1'), {
    problems: ['m.conf:2: acl_file stands before any listener, with per_listener_settings: behind one is expected'],
  });
});

test('keeps the last of an option, and all of those that may be repeated', () => {
  const { general } = sectionsOf('max_keepalive 60', 'max_keepalive 70', 'log_dest stdout', 'log_dest stderr');
  assert.deepEqual(
    general.all('max_keepalive').map(({ value }) => value),
    ['70'],
  );
  assert.deepEqual(
    general.all('log_dest').map(({ value }) => value),
    ['stdout', 'stderr'],
  );
});

test('gathers bridges', () => {
  const { bridges } = sectionsOf('connection a', 'topic #', 'listener 1', 'connection b', 'address c');
  assert.deepEqual(
    bridges.map((bridge) => bridge.map(({ name }) => name)),
    [
      ['connection', 'topic'],
      ['connection', 'address'],
    ],
  );
});

test('refuses a second one of what Mosquitto takes once, for each listener by itself', () => {
  const problems = ['m.conf:4: acl_file stands in line 3 too: it is expected once'];
  const twice = (one: string): string[] => ['per_listener_settings true', 'listener 1', 'acl_file a', one];
  assert.throws(() => sectionsOf(...twice('acl_file b')), { problems });
  assert.throws(() => sectionsOf('password_file a', 'listener 1', 'password_file a'), /password_file stands in line 1/);
  assert.throws(() => sectionsOf('bind_address a', 'bind_address a'), /bind_address stands in line 1/);
  const { listeners } = sectionsOf(...twice('listener 2'), 'acl_file b', 'max_connections 1', 'max_connections 2');
  assert.deepEqual(
    listeners.map(({ options }) => [options.get('acl_file')?.value, options.get('max_connections')?.value]),
    [
      ['a', undefined],
      ['b', '2'],
    ],
  );
});
