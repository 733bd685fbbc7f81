/** What `dunlin init` makes is served as it is, to Mosquitto's clients that know its authority. */

import assert from 'node:assert/strict';
import { chmod, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { missing } from '../../tools/prerequisites.ts';
import { Program } from './local-broker.ts';

const main = fileURLToPath(new URL('../../packages/cli/src/main.ts', import.meta.url));
/** The server is its own process, so that an end of the test is its end as well. */
const dunlin = (...argv: string[]): Program =>
  new Program(process.execPath, ['--conditions=@dunlin/source', main, ...argv]);
const skip = missing('mosquitto_pub', 'mosquitto_sub');

test('dunlin init, dunlin serve, and mosquitto_pub and mosquitto_sub with --cafile from other processes', {
  skip,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dunlin-init-'));
  after(() => rm(folder, { recursive: true, force: true }));
  const directory = join(folder, 'broker');
  const screen = await dunlin('init', directory, '--port', '0', '--tls-port', '0').output();
  const [, user, password] = /^user: (.*)\npassword: (.*)$/m.exec(screen) ?? [];
  const [cafile] = /(?<=--cafile )\S+/.exec(screen) ?? [];
  const server = dunlin('serve', '--config', join(directory, 'dunlin.yaml'), '--log-to', 'stdout');
  await server.shows('"started"');
  const [tls, local] = ['tls', 'local'].map((name) => {
    const line = server.out.split('\n').find((each) => each.includes('"listening"') && each.includes(`"${name}"`));
    return /:(\d+)"/.exec(line ?? '')?.[1] ?? assert.fail(server.out);
  });

  const secure = ['--cafile', `${cafile}`, '-h', 'localhost', '-p', tls];
  const asUser = ['-u', user, '-P', password];
  const sub = new Program('mosquitto_sub', [...secure, ...asUser, '-t', '#', '-t', '$SYS/broker/version', '-C', '2']);
  await sub.shows('dunlin');
  await new Program('mosquitto_pub', [...secure, ...asUser, '-t', 'hello', '-m', 'world']).output();
  assert.match(await sub.output(), /^dunlin .*\nworld\n$/);

  // The same user on loopback without TLS; and nobody else, on either.
  await new Program('mosquitto_pub', ['-p', local, ...asUser, '-t', 'hello', '-m', 'world', '-q', '1']).output();
  for (const flags of [secure, ['-p', local]])
    for (const who of [[], ['-u', user, '-P', 'wrong']]) {
      const refused = new Program('mosquitto_pub', [...flags, ...who, '-t', 'hello', '-m', 'world']);
      await refused.exited;
      assert.match(refused.err, /Connection Refused: (bad user name or password|not authorised)/);
    }
  const stranger = new Program('mosquitto_pub', [
    '--capath',
    '/etc/ssl/certs',
    ...secure.slice(2),
    ...asUser,
    '-t',
    'a',
    '-n',
  ]);
  await stranger.exited;
  assert.match(stranger.err, /TLS error/);
  server.kill('SIGTERM');
  assert.equal(await server.exited, 0, server.err);
});

test('dunlin serve stops where the master key is missing, wrong or open to others, and says what is expected', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dunlin-master-'));
  after(() => rm(folder, { recursive: true, force: true }));
  const directory = join(folder, 'broker');
  await dunlin('init', directory, '--port', '0', '--tls-port', '0').output();
  const file = join(directory, 'devices-master.key');
  const refused = async (message: RegExp) => {
    const server = dunlin('serve', '--config', join(directory, 'dunlin.yaml'), '--log-to', 'stdout');
    await server.exited;
    assert.match(server.err + server.out, message);
  };
  await rename(file, join(folder, 'kept.key'));
  await refused(
    /Cannot take the master key from .*devices-master\.key.*there is no such file; the one that .*devices-ca\.key was encrypted under is expected: restore your copy/,
  );
  await writeFile(file, `${Buffer.alloc(32, 1).toString('base64')}\n`, { mode: 0o600 });
  await refused(/devices-ca\.key with the master key of .*devices-master\.key.*: it was encrypted under another one/);
  await rm(file);
  await writeFile(file, 'secret');
  await chmod(file, 0o644);
  await refused(/others may use it \(mode 0644\); 0600 is expected/);
});
