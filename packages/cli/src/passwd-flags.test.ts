import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HelpAsked } from './flags.ts';
import { passwdHelp, readPasswdFlags } from './passwd-flags.ts';

test('reads each action', () => {
  const set = { file: 'f', user: 'ada', kind: 'argon2id', passwordFile: undefined };
  assert.deepEqual(readPasswdFlags(['f', 'ada']), { action: 'set', ...set });
  assert.deepEqual(readPasswdFlags(['-c', 'f', 'ada']), { action: 'create', ...set });
  assert.deepEqual(readPasswdFlags(['f', 'ada', '--format', 'mosquitto', '--password-file', 'p']), {
    ...{ action: 'set', file: 'f', user: 'ada' },
    kind: 'mosquitto',
    passwordFile: 'p',
  });
  assert.deepEqual(readPasswdFlags(['-D', 'f', 'ada']), { action: 'delete', file: 'f', user: 'ada' });
  assert.deepEqual(readPasswdFlags(['-U', 'f', '--format=mosquitto']), {
    action: 'upgrade',
    file: 'f',
    kind: 'mosquitto',
  });
  assert.deepEqual(readPasswdFlags(['--hash', '--scram', '512']), {
    ...{ action: 'hash', kind: 'SCRAM-SHA-512' },
    passwordFile: undefined,
  });
});

test('says what is missing, unknown, too much or would do nothing', () => {
  const wrong: [string[], RegExp][] = [
    [[], /^Cannot run: expected FILE, see dunlin passwd --help$/],
    [['f'], /^Cannot run: expected USER, see/],
    [['-U'], /^Cannot run: expected FILE, see/],
    [['f', 'ada', 'secret'], /^Cannot run: expected FILE USER and nothing behind; a password is no argument$/],
    [['--hash', 'f'], /^Cannot run: expected flags and nothing behind;/],
    [['-c', '-D', 'f', 'ada'], /^Cannot use -c with -D: expected one of them$/],
    [
      ['-b', 'f', 'ada', 'secret'],
      /^Cannot use -b: everybody on this machine can read a command line; .*--password-file/,
    ],
    [['--format', 'sha512', 'f', 'ada'], /^Cannot use --format "sha512": expected argon2id or mosquitto$/],
    [['--scram', '1', 'f', 'ada'], /^Cannot use --scram "1": expected 256 or 512$/],
    [['--scram', '256', '--format', 'argon2id', 'f', 'ada'], /^Cannot use --format with --scram: it would do nothing$/],
    [['-D', 'f', 'ada', '--password-file', 'p'], /^Cannot use --password-file with -D: it would do nothing$/],
    [['-U', 'f', '--scram', '256'], /^Cannot use --scram with -U: it would do nothing$/],
    [['-D', 'f', 'ada', '--format', 'mosquitto'], /^Cannot use --format with -D: it would do nothing$/],
  ];
  for (const [argv, message] of wrong) assert.throws(() => readPasswdFlags(argv), { exitCode: 1, message });
});

test('the help shows every use', () => {
  assert.throws(() => readPasswdFlags(['f', '--help']), HelpAsked);
  for (const use of ['[-c] [flags] FILE USER', '-D FILE USER', '-U [--format FORMAT] FILE', '--hash [flags]'])
    assert.ok(passwdHelp().includes(`  dunlin passwd ${use}\n`), use);
});
