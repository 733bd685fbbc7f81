import assert from 'node:assert/strict';
import { test } from 'node:test';
import { visitorFlagGroups } from './visitor-flags.ts';

test('server, TLS and credentials stay; sessions, wills and properties do not', () => {
  const groups = visitorFlagGroups();
  const names = groups.flatMap(({ flags }) => flags.map(({ long, short }) => long ?? short));
  for (const name of [
    'host',
    'port',
    'url',
    'protocol-version',
    'cafile',
    'id',
    'username',
    'pw',
    'A',
    'debug',
    'help',
  ])
    assert.ok(names.includes(name), name);
  for (const name of ['property', 'disable-clean-session', 'session-expiry-interval', 'will-topic', 'keepalive'])
    assert.ok(!names.includes(name), name);
  assert.ok(groups.every(({ title, flags }) => flags.length > 0 && !title.startsWith('Will')));
});
