/** A process without a file descriptor to spare: who comes is turned away and told of, and comes in when there is room. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import type { RawClient } from '../conformance/raw-client.ts';
import { makePki } from '../pki/pki.ts';
import { GuardedServer, scratch } from './guarded-server.ts';

const canLower = spawnSync('prlimit', ['--version']).status === 0;

for (const listener of ['tcp', 'tls'])
  test(`${listener}: a connection that would take the last files is closed and told of, and others come in later`, {
    skip: !canLower && 'there is no prlimit',
  }, async () => {
    const directory = scratch();
    const pki = makePki(directory);
    const tls = `{certificate: ${pki.path('server.pem')}, key: ${pki.path('server.key')}}`;
    const server = await GuardedServer.serve(
      directory,
      `listeners:
  - {name: tcp, host: 127.0.0.1, port: 0, allowAnonymous: true}
  - {name: tls, host: 127.0.0.1, port: 0, allowAnonymous: true, transport: tls, tls: ${tls}}
`,
    );
    const pid = server.pid;
    const limit = Math.max(...readdirSync(`/proc/${pid}/fd`).map(Number)) + 40;
    assert.equal(spawnSync('prlimit', ['--pid', String(pid), `--nofile=${limit}:${limit}`]).status, 0);
    const open = async (clientId: string): Promise<RawClient> => {
      const client = await (listener === 'tcp'
        ? server.open(listener)
        : server.openTls(listener, { ca: pki.text('ca.pem') }));
      await client.connect({ clientId });
      return client;
    };

    const clients: RawClient[] = [];
    /** Until files are at an end, which is told of. */
    const fill = async (times: number): Promise<void> => {
      while (server.count('filesExhausted') < times)
        try {
          clients.push(await open(`client-${clients.length}`));
        } catch {}
      await assert.rejects(open('one too many'));
    };
    const leave = async (times: number): Promise<void> => {
      for (const client of clients.splice(10)) client.socket.destroy();
      await server.counted('filesAvailable', times);
    };

    // The limit is looked at once a second. Until then the system takes the last files, and closes further ones silently.
    await fill(1);
    assert.equal((await server.told('filesExhausted')).fileLimit, limit);
    await clients[0].ping();
    await leave(1);

    await fill(2);
    // There are files for the server itself.
    server.signal('SIGHUP');
    await server.counted('reloaded', 1);
    await leave(2);
    const [, second] = server.events.filter(({ name }) => name === 'filesAvailable');
    assert.ok(Number(second.refused) >= 1);
    const back = await open('back');
    for (const client of [...clients, back]) await client.ping();
  });
