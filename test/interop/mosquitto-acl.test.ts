/** An `acl_file` in Debian's Mosquitto and in Dunlin: the same file, the same outcomes. */

import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { compileRules, readMosquittoAcl } from '@dunlin/identity';
import { topicMatches } from '@dunlin/protocol';
import { missing } from '../../tools/prerequisites.ts';
import { eventually, Program } from './local-broker.ts';

const ACL = `
# clients without a user name
topic read news/#
topic write inbox
topic read end

user feeder
topic write #

user watcher
topic read #

user ada
topic read end
topic a/#
topic deny a/secret/#
topic write out/+/x
topic allowed/first

user bob
topic read end
topic read a/+
topic read b/#
topic read $SYS/broker/version

user x+y
topic read end
topic plain

pattern read end
pattern write dev/%c/state
pattern own/%u/#
pattern deny own/%u/locked
pattern deny allowed/first
pattern deny b/hidden
`;

/** User name, if any, and Client Identifier. */
type Who = readonly [username: string | undefined, clientId: string];
const ada: Who = ['ada', 'c1'];
const bob: Who = ['bob', 'c2'];
const anonymous: Who = [undefined, 'c3'];
/** Has no section of its own. */
const eve: Who = ['eve', 'c4'];
const plus: Who = ['x+y', 'c5'];
const hash: Who = ['eve', 'c#'];

const publishing: readonly (readonly [Who, string])[] = [
  ...[
    'a/b',
    'a',
    'a/secret/x',
    'a/secret',
    'out/1/x',
    'out/1/y',
    'allowed/first',
    'b',
    'dev/c1/state',
    'dev/c2/state',
  ].map((topic) => [ada, topic] as const),
  ...['own/ada/x', 'own/ada', 'own/ada/locked', 'own/bob/x', 'news/1', 'inbox'].map((topic) => [ada, topic] as const),
  ...['a/b', 'own/bob/x', 'allowed/first', 'dev/c2/state'].map((topic) => [bob, topic] as const),
  ...['inbox', 'news/1', 'dev/c3/state', 'own//x', 'own/%u/x'].map((topic) => [anonymous, topic] as const),
  ...['inbox', 'own/eve/x', 'dev/c4/state'].map((topic) => [eve, topic] as const),
  ...['plain', 'own/x/y', 'dev/c5/state'].map((topic) => [plus, topic] as const),
  ...['own/eve/x', 'dev/c/state'].map((topic) => [hash, topic] as const),
];
const subscribing: readonly (readonly [Who, string])[] = [
  ...['#', 'a/#', 'a/+', 'a/secret/#', 'own/+/x', 'own/ada/#', '+/+', 'news/#', 'out/#'].map(
    (filter) => [ada, filter] as const,
  ),
  ...['#', 'a/#', 'b/#', 'b/hidden', 'a/b/c', 'own/#', '$SYS/broker/version', '$SYS/broker/#'].map(
    (filter) => [bob, filter] as const,
  ),
  ...['#', 'news/#', 'inbox'].map((filter) => [anonymous, filter] as const),
  ...['#', 'own/eve/#'].map((filter) => [eve, filter] as const),
  ...['#', 'plain'].map((filter) => [plus, filter] as const),
];
/** What is there to be received. */
const retained = [
  ...[
    'a',
    'a/b',
    'a/b/c',
    'a/secret/x',
    'b',
    'b/x',
    'b/hidden',
    'news/1',
    'inbox',
    'plain',
    'out/1/x',
    'allowed/first',
  ],
  ...['own/ada/x', 'own/ada/locked', 'own/bob/x', 'own/eve/x', 'own/eve/locked', 'dev/c1/state'],
];

const authorizer = compileRules(readMosquittoAcl(ACL, 'acl'), { broaderFilter: 'check' });
const permissionsOf = ([username, clientId]: Who) => {
  const principal = { username, identity: username, attributes: {}, groups: [], certificate: undefined };
  const permissions = authorizer.permissions(clientId, { ...principal, expiresAtMs: Infinity, claims: undefined });
  assert.ok(permissions);
  return permissions;
};
const flags = ([username, clientId]: Who): string[] => [
  '-i',
  clientId,
  ...(username === undefined ? [] : ['-u', username]),
];

describe('an acl_file of Mosquitto', { skip: missing('mosquitto', 'mosquitto_pub', 'mosquitto_sub') }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'dunlin-acl-'));
  after(() => rmSync(directory, { recursive: true, force: true }));
  const started = start(directory);
  const run = async (command: string, ...rest: string[]): Promise<Program> =>
    new Program(command, ['-h', '127.0.0.1', '-p', `${await started}`, '-V', 'mqttv5', ...rest]);

  test('lets the same clients publish the same topics', async () => {
    await (await run('mosquitto_pub', '-u', 'feeder', '-t', 'ready', '-r', '-q', '1', '-m', 'ready')).output();
    const watcher = await run('mosquitto_sub', '-u', 'watcher', '-i', 'watcher', '-t', '#', '-q', '1', '-v');
    await watcher.shows('ready ready\n');
    for (const [who, topic] of publishing)
      await (await run('mosquitto_pub', ...flags(who), '-t', topic, '-q', '1', '-m', `${who}`)).exited;
    await (await run('mosquitto_pub', '-u', 'feeder', '-t', 'over', '-q', '1', '-m', 'over')).output();
    await watcher.shows('over over\n');
    const heard = new Set(watcher.out.split('\n'));
    for (const [who, topic] of publishing)
      assert.equal(
        permissionsOf(who).mayPublish(topic, 1, false) === 0,
        heard.has(`${topic} ${who}`),
        `${who} to ${topic}, heard from Mosquitto: ${heard.has(`${topic} ${who}`)}`,
      );
  });

  test('lets the same clients receive the same topics', async () => {
    for (const topic of [...retained, 'end'])
      await (await run('mosquitto_pub', '-u', 'feeder', '-t', topic, '-r', '-q', '1', '-m', 'r')).output();
    for (const [who, filter] of subscribing) {
      const subscriber = await run('mosquitto_sub', ...flags(who), '-t', filter, '-t', 'end', '-F', '%t');
      // The retained messages of the second subscription come behind those of the first.
      await subscriber.shows(filter === '#' ? 'end\nend\n' : 'end\n');
      subscriber.kill('SIGKILL');
      const heard = subscriber.out.split('\n').filter((topic) => !['', 'end', 'ready'].includes(topic));
      const permissions = permissionsOf(who);
      const isGranted = permissions.maySubscribe(filter, 0) === 0;
      const expected = [...retained, '$SYS/broker/version'].filter(
        (topic) => topicMatches(filter, topic) && isGranted && permissions.mayReceive(topic),
      );
      assert.deepEqual(heard.sort(), expected.sort(), `${who} from ${filter}`);
    }
  });
});

/** Starts Mosquitto with the file on a free port; resolves with the port when it answers. */
async function start(directory: string): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  // Mosquitto started by root reads its files as another user.
  chmodSync(directory, 0o755);
  writeFileSync(join(directory, 'acl'), ACL);
  const lines = [`listener ${port} 127.0.0.1`, 'allow_anonymous true', `acl_file ${join(directory, 'acl')}`];
  writeFileSync(join(directory, 'mosquitto.conf'), `${lines.join('\n')}\n`);
  const server = new Program('mosquitto', ['-c', join(directory, 'mosquitto.conf')]);
  await eventually(() => /mosquitto version .* running/.test(server.err), 'Mosquitto to start');
  return port;
}
