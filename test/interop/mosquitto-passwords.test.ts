/** Password files between Dunlin and Mosquitto: each reads what the other writes. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseCredentials, parseHash, readCredentialText } from '@dunlin/identity';
import { commandPath, debianPython, missing } from '../../tools/prerequisites.ts';
import { freePort } from '../free-port.ts';
import { Program } from './local-broker.ts';

const launcher = fileURLToPath(new URL('../../packages/cli/bin/dunlin.js', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'dunlin-interop-passwords-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

const dunlinPasswd = (input: string, ...parameters: string[]): Promise<string> =>
  new Program(launcher, ['passwd', ...parameters], input).output();

describe('password files', { skip: missing('mosquitto', 'mosquitto_pub') }, () => {
  test('Mosquitto 2.0 lets in who stands in a file of dunlin passwd --format mosquitto', async () => {
    const passwords = join(scratch, 'ours');
    await dunlinPasswd('correct horse\n', '--format', 'mosquitto', '-c', passwords, 'ada');
    await dunlinPasswd('päss:wörd\n', '--format', 'mosquitto', passwords, 'bob');
    const port = await freePort();
    const configuration = join(scratch, 'mosquitto.conf');
    const lines = [
      `listener ${port} 127.0.0.1`,
      'allow_anonymous false',
      `password_file ${passwords}`,
      'user root',
      '',
    ];
    writeFileSync(configuration, lines.join('\n'));
    const mosquitto = new Program(commandPath('mosquitto') ?? '', ['-v', '-c', configuration]);
    const publish = (user: string, password: string): Program =>
      new Program('mosquitto_pub', ['-h', '127.0.0.1', '-p', `${port}`, '-t', 't', '-n', '-u', user, '-P', password]);
    try {
      for (let attempts = 0; !mosquitto.err.includes('running') && attempts < 400; attempts++)
        await new Promise((resolve) => setTimeout(resolve, 25));
      await publish('ada', 'correct horse').output();
      await publish('bob', 'päss:wörd').output();
      assert.equal(await publish('ada', 'wrong').exited, 5);
    } finally {
      mosquitto.kill('SIGTERM');
      await mosquitto.exited;
    }
  });

  test('Dunlin reads what mosquitto_passwd writes', async () => {
    const passwords = join(scratch, 'theirs');
    writeFileSync(passwords, '', { mode: 0o600 });
    const tool = commandPath('mosquitto_passwd') ?? '';
    await new Program(tool, ['-b', passwords, 'ada', 'correct horse']).output();
    await new Program(tool, ['-H', 'sha512', '-b', passwords, 'bob', 'päss:wörd']).output();
    const [ada, bob] = parseCredentials(passwords, readCredentialText(passwords), parseHash);
    assert.deepEqual([ada.user, bob.user], ['ada', 'bob']);
    assert.equal(await ada.value.matches(Buffer.from('correct horse')), true);
    assert.equal(await bob.value.matches(Buffer.from('päss:wörd')), true);
    await dunlinPasswd('new\n', passwords, 'ada');
    const [changed, same] = parseCredentials(passwords, readCredentialText(passwords), parseHash);
    assert.equal(await changed.value.matches(Buffer.from('new')), true);
    assert.equal(same.value.text, bob.value.text);
  });
});

/** Runs a command on a terminal of its own, answers each prompt, and prints all that the terminal showed. */
const ON_TERMINAL = `
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
shown = b''
for prompt, answer in ((b'Password', b'secret'), (b'again', b'secret')):
    while prompt not in shown:
        shown += os.read(terminal, 1024)
    os.write(terminal, answer + b'\\r')
try:
    while chunk := os.read(terminal, 1024):
        shown += chunk
except OSError:
    pass
print(shown.decode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;

test('dunlin passwd asks twice on a terminal and shows nothing of it', { skip: missing('paho') }, async () => {
  const passwords = join(scratch, 'typed');
  const shown = await new Program(debianPython, [
    '-c',
    ON_TERMINAL,
    launcher,
    'passwd',
    '-c',
    passwords,
    'ada',
  ]).output();
  assert.match(shown.replaceAll('\r', ''), /^Password for ada: \nThe same again: \nadded "ada"; [^\n]+\n\n$/);
  const [{ value }] = parseCredentials(passwords, readCredentialText(passwords), parseHash);
  assert.equal(await value.matches(Buffer.from('secret')), true);
});
