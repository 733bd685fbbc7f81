/** The configuration that people have for Mosquitto, converted and served: who came in before comes in now. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { importMosquitto } from '@dunlin/server';
import { commandPath, missing } from '../../tools/prerequisites.ts';
import { GuardedServer, scratch } from './guarded-server.ts';

/** Of `mqtt-integration-skill`, with the places of this test. */
const SIX_LINES = (root: string): string => `# mosquitto.conf
listener 1883
allow_anonymous false
password_file ${root}/etc/passwd
persistence true
persistence_location ${root}/lib/
log_dest file ${root}/log/mosquitto.log
`;

const skip = missing('mosquitto', 'mosquitto_pub');

test('the six lines of a common mosquitto.conf are imported whole, and served to mosquitto_pub', { skip }, async () => {
  const root = scratch();
  for (const folder of ['etc', 'log']) mkdirSync(join(root, folder));
  const passwords = join(root, 'etc', 'passwd');
  execFileSync(commandPath('mosquitto_passwd') as string, ['-b', '-c', passwords, 'ada', 'pencil'], {
    stdio: 'ignore',
  });
  const { yaml, remarks } = importMosquitto(SIX_LINES(root), 'mosquitto.conf');
  assert.deepEqual(
    remarks.filter(({ kind }) => kind === 'lost'),
    [],
  );
  // At any port that is free, and the log to standard error as well, where this test reads it.
  const served = yaml.replace('port: 1883', 'port: 0').replace('log:\n', 'log:\n  to: [stderr, file]\n');
  const server = await GuardedServer.serve(root, served);
  const [{ listener }] = server.events.filter(({ name }) => name === 'listening');
  const publish = (...flags: string[]) =>
    spawnSync(
      commandPath('mosquitto_pub') as string,
      ['-h', '127.0.0.1', '-p', `${server.port(String(listener))}`, '-q', '1', '-t', 'a', '-m', 'b', ...flags],
      { encoding: 'utf8', timeout: 20_000 },
    );
  assert.equal(publish('-u', 'ada', '-P', 'pencil').status, 0);
  assert.equal(publish('-u', 'ada', '-P', 'wrong').status, 4);
  assert.equal(publish().status, 5);
  assert.match(readFileSync(join(root, 'log', 'mosquitto.log'), 'utf8'), /clientConnected/);
});
