import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HelpAsked } from './flags.ts';
import { initHelp, readInitFlags } from './init-flags.ts';

test('takes a folder, and has a default for everything else', () => {
  assert.deepEqual(readInitFlags(['broker']), {
    directory: 'broker',
    user: 'admin',
    passwordFile: undefined,
    names: [],
    port: 1883,
    tlsPort: 8883,
    days: 825,
    deviceCa: undefined,
    devicePassphraseFile: undefined,
    masterKeyFile: undefined,
    json: false,
  });
});

test('reads every flag, names more than once', () => {
  const given =
    '--user ada --password-file pw --name a.example --name b.example --port 0 --tls-port 0 --days 7 --json --device-ca c --device-ca-key k --device-ca-passphrase-file p --master-key m d';
  assert.deepEqual(readInitFlags(given.split(' ')), {
    directory: 'd',
    user: 'ada',
    passwordFile: 'pw',
    names: ['a.example', 'b.example'],
    port: 0,
    tlsPort: 0,
    days: 7,
    deviceCa: { certificate: 'c', key: 'k' },
    devicePassphraseFile: 'p',
    masterKeyFile: 'm',
    json: true,
  });
});

test('refuses what cannot be', () => {
  const wrong: [string, RegExp][] = [
    ['', /expected DIR, the folder to make/],
    ['a b', /expected one folder, found 2/],
    ['a --port 8883', /Cannot use port 8883 for both listeners/],
    ['a --tls-port 65536', /Cannot use --tls-port "65536": expected a whole number from 0 to 65535/],
    ['a --device-ca c', /expected --device-ca and --device-ca-key together/],
    ['a --device-ca-key k', /expected --device-ca and --device-ca-key together/],
    ['a --device-ca-passphrase-file p', /expected --device-ca and --device-ca-key together/],
    ['a --days 0', /Cannot use --days "0"/],
    ['a --password secret', /Cannot use --password: dunlin init has no such flag, did you mean --password-file\?/],
  ];
  for (const [line, message] of wrong)
    assert.throws(() => readInitFlags(line.split(' ')), { name: 'CommandError', exitCode: 1, message }, line);
  assert.throws(() => readInitFlags(['--help']), HelpAsked);
  assert.match(initHelp(), /--password-file FILE/);
});
