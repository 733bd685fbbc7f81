import assert from 'node:assert/strict';
import { test } from 'node:test';
import { completeConfiguration } from './configuration.ts';
import { parseConfiguration } from './configuration-file.ts';
import { initialConfiguration, initialPasswords, initialRules } from './initial-texts.ts';
import { parseRules } from './rules-file.ts';

const settings = { host: '0.0.0.0', tlsPort: 8884, port: 1884, user: 'ada', masterKey: 'devices-master.key' };
const activated = (text: string): string => text.replace(/^( *)#: /gm, '$1');

test('the configuration asks everybody, and is encrypted where others can reach it; so it is with every example', () => {
  const text = initialConfiguration(settings);
  for (const [each, methods] of [
    [text, ['passwordFile', 'devices']],
    // A certificate counts before a password that is missing.
    [activated(text), ['certificate', 'passwordFile', 'devices']],
  ] as const) {
    const { listeners, authentication, devices } = completeConfiguration(parseConfiguration(each, 'dunlin.yaml'));
    assert.deepEqual(
      listeners.map(({ transport, host, port, allowAnonymous }) => [transport, host, port, allowAnonymous]),
      [
        ['tls', '0.0.0.0', 8884, false],
        ['tcp', 'localhost', 1884, false],
      ],
    );
    assert.deepEqual(JSON.parse(JSON.stringify(devices?.masterKey)), { file: 'devices-master.key' });
    assert.equal(devices?.authority?.name, 'devices');
    assert.deepEqual(
      authentication.map(({ method }) => method),
      methods,
    );
  }
  assert.notEqual(activated(text), text);
});

test('the rules are for the first user alone, and the examples in them are right', () => {
  const odd = initialRules({ ...settings, user: `it's "her" {#}` });
  assert.deepEqual([...(parseRules(odd, 'rules.yaml')[0].subjects[0].users ?? [])], [`it's "her" {#}`]);
  assert.equal(parseRules(initialRules(settings), 'rules.yaml').length, 1);
  assert.equal(parseRules(activated(initialRules(settings)), 'rules.yaml').length, 3);
});

test('the password file has a line for the first user', () => {
  assert.match(initialPasswords(settings, '$hash'), /^#.*\nada:\$hash\n$/);
});
