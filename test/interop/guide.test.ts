/** The examples of the guides, run as they stand but for the port. */

import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readConfigurationFile, type ServerEvent, startServer } from '@dunlin/server';
import { EXIT_CODES } from '../../packages/cli/src/exit-codes.ts';
import { missing } from '../../tools/prerequisites.ts';
import { eventually, LocalBroker, Program } from './local-broker.ts';

const started = LocalBroker.start();
const launcher = fileURLToPath(new URL('../../packages/cli/bin/dunlin.js', import.meta.url));

/** The code blocks of a guide in one language. */
function blocks(guide: string, language: string): Promise<string[]> {
  return blocksOf(`docs/guide/${guide}.md`, language);
}

async function blocksOf(path: string, language: string): Promise<string[]> {
  const text = await readFile(new URL(`../../${path}`, import.meta.url), 'utf8');
  const found = [...text.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(([, code]) => code);
  assert.ok(found.length > 0);
  return found;
}

test('the example of the README runs as it says', async () => {
  const [code] = await blocksOf('README.md', 'ts');
  const scratch = fileURLToPath(new URL('../../.dunlin', import.meta.url));
  await mkdir(scratch, { recursive: true });
  const folder = await mkdtemp(join(scratch, 'readme-'));
  after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'my.ts');
  await writeFile(file, code);
  const output = await new Program(process.execPath, ['--conditions=@dunlin/source', file]).output();
  assert.equal(output, 'sensors/room1/temperature { value: 22.5 }\n');
});

test('the commands of the guide to certificates run, and a revocation ends the live connection', {
  skip: missing('mosquitto_pub', 'openssl-command'),
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dunlin-certificates-'));
  after(() => rm(folder, { recursive: true, force: true }));
  const broker = join(folder, 'broker');
  await new Program(launcher, ['init', broker, '--json']).output();
  const shell = (code: string): Promise<string> => new Program('bash', ['-ec', `cd "${broker}"\n${code}`]).output();
  const [authority, certificate, publish, revoke, renew] = await blocks('certificates', 'sh');
  const [configuration] = await blocks('certificates', 'yaml');
  await shell(authority);
  await shell(certificate);
  const file = join(broker, 'guide.yaml');
  await writeFile(file, configuration.replace("host: '::'", "host: '127.0.0.1'\n    port: 0"));
  const events: ServerEvent[] = [];
  const server = await startServer(readConfigurationFile(file), { onEvent: (event) => events.push(event) });
  after(() => server.stop());
  const onPort = (code: string): string => code.replace('-p 8883', `-p ${server.listeners[0].port} -V 5`);
  const isRevoked = (event: ServerEvent): boolean => 'check' in event && event.check === 'certificate-revoked';

  const live = shell(onPort(publish).replace('mosquitto_pub', 'mosquitto_sub').replace('-m on', '-C 1'));
  await eventually(() => events.some(({ name }) => name === 'subscribed'), 'a subscription of the device');
  await shell(onPort(publish));
  assert.equal(await live, 'on\n');
  const waiting = shell(onPort(publish).replace('mosquitto_pub', 'mosquitto_sub').replace('-m on', ''));
  await eventually(() => events.filter(({ name }) => name === 'subscribed').length === 2, 'a live connection');
  await shell(revoke);
  await eventually(() => events.some((event) => event.name === 'clientDisconnected' && isRevoked(event)), 'its end');
  await waiting;
  await assert.rejects(shell(onPort(publish)));
  await eventually(() => events.some((event) => event.name === 'connectRefused' && isRevoked(event)), 'a refusal');
  assert.match(await shell(renew), /^nextUpdate=/);
});

test('the commands of the README for a network run', { skip: missing('mosquitto_pub') }, async () => {
  const [make, publish] = (await blocksOf('README.md', 'sh')).filter((code) => code.includes('broker/'));
  const [init, serve] = make.trim().split('\n');
  const folder = await mkdtemp(join(tmpdir(), 'dunlin-readme-'));
  after(() => rm(folder, { recursive: true, force: true }));
  const shell = (code: string): Promise<string> =>
    new Program('bash', ['-ec', `cd "${folder}"; npx() { shift; "${launcher}" "$@"; }\n${code}`]).output();
  const made = await shell(`${init} --port 0 --tls-port 0`);
  const password = /^password: (.*)$/m.exec(made)?.[1] ?? '';
  const words = serve.replace('broker/', `${folder}/broker/`).split(' ').slice(2);
  // Not through the launcher: the server would outlive a test that fails.
  const main = fileURLToPath(new URL('../../packages/cli/src/main.ts', import.meta.url));
  const server = new Program(process.execPath, ['--conditions=@dunlin/source', main, ...words, '--log-to', 'stdout']);
  await server.shows('"started"');
  const port = /"listener":"tls","address":"[^"]*:(\d+)"/.exec(server.out)?.[1];
  // It ends well only where it was let in.
  await shell(publish.replace('-p 8883', `-p ${port}`).replace('PASSWORD', password));
  server.kill('SIGTERM');
  assert.equal(await server.exited, 0);
});

test('the examples of the guide for those who come from MQTT.js do the same, before and after', async () => {
  const { port } = await started;
  const outputs: string[] = [];
  for (const code of await blocks('from-mqttjs', 'ts')) {
    const here = code.replaceAll('mqtt://localhost:', 'mqtt://127.0.0.1:').replaceAll(':1883', `:${port}`);
    const flags = ['--conditions=@dunlin/source', '--input-type=module-typescript', '--eval', here];
    outputs.push(await new Program(process.execPath, flags).output());
  }
  const temperature = 'room/1/temperature 22.5\n';
  assert.deepEqual(outputs, [temperature, temperature, 'connected at the second\n']);
});

test('the examples of the command line guide run', async () => {
  const { port } = await started;
  const folder = await mkdtemp(join(tmpdir(), 'dunlin-guide-'));
  after(() => rm(folder, { recursive: true }));
  const outputs: string[] = [];
  for (const code of await blocks('command-line', 'sh')) {
    const withPort = `case "$command" in pub|sub|probe|top|bench|simulate) set -- -p ${port} "$@";; esac`;
    const tool = `dunlin() { local command=$1; shift; ${withPort}; "${launcher}" "$command" "$@"; }`;
    outputs.push(
      await new Program('bash', [
        '-ec',
        `export DUNLIN_PROFILES=profiles.yaml; cd "${folder}"\n${tool}\n${code}`,
      ]).output(),
    );
  }
  const [retained, session, properties, profiles, looking, live, passwords, init, devices, load, simulated] = outputs;
  assert.match(init, /^Made the directory of a server: .*broker\n[\s\S]*\nuser: admin\npassword: [\s\S]*allow/);
  assert.match(await readFile(join(folder, 'broker', 'passwords'), 'utf8'), /^admin:.*\nada:\$argon2id/m);
  assert.match(passwords, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$\S+\n$/);
  assert.match(await readFile(join(folder, 'passwords'), 'utf8'), /^ada:\$argon2id\$\S+\n$/);
  assert.match(live, /probed with MQTT 5\.0\n[\s\S]* {2}largest payload +4194304 +4096 [\s\S]*\n +clients +pub\/s-in /);
  assert.match(devices, /^Added cam-1\.\nwake to cam-1: queued\n[\s\S]*\n {2}command +wake [\w-]+ queued, requested /);
  assert.match(devices, /\ncam-1, of the type camera, can come in: nothing of what is stored keeps it out\.\n/);
  assert.match(await readFile(join(folder, 'cam-1.token'), 'utf8'), /^dt_[\w-]{22,}\n$/);
  for (const mode of ['connect', 'pairs', 'latency']) assert.match(load, new RegExp(`^dunlin bench ${mode}: `, 'm'));
  assert.match(load, /^\{"mode":"pub",.*"errors":\[\],/m);
  assert.match(simulated, /^rooms\.yaml is right: 5 devices in 1 fleet, about 0\.500 messages[\s\S]*\nrooms +5 +\d/);
  assert.doesNotMatch(simulated, /errors/);
  assert.equal(retained, 'on\n');
  assert.equal(profiles, 'home  127.0.0.1:1883  (default)\n');
  assert.match(
    looking,
    /^\{"time":.*"encoding":"json","payload":\{"t":22\.50\},"properties":\{\}\}\n\{\n {2}"t": 22\.50\n\}\nplant\/1 \(11 bytes\)\n00000000 .*\nIn all\n/,
  );
  assert.equal(session, 'jobs/1 first\njobs/2 second\njobs/2 third\n');
  assert.match(properties, /^a\/b application\/json origin:here \{"n":1\}\n\{"tst":.*"payload":\{"n":1\}\}\n$/);
});

test('the examples of the guide to topics run', async () => {
  const { port } = await started;
  const outputs: string[] = [];
  for (const code of await blocks('topics', 'sh')) {
    const tool = `dunlin() { local command=$1; shift; "${launcher}" "$command" -p ${port} "$@"; }`;
    outputs.push(await new Program('bash', ['-ec', `${tool}\n${code}`]).output());
  }
  assert.equal(outputs[0], 'site/berlin/room1 lit\n');
  assert.match(outputs[1], /^\d+ seconds\n$/);
});

test('the check of the runbook for a full disk stores a message and fetches it', async () => {
  const { port } = await started;
  const code = (await blocksOf('docs/runbooks/disk-full.md', 'sh')).at(-1);
  const tool = `dunlin() { local command=$1; shift; "${launcher}" "$command" -p ${port} "$@"; }`;
  assert.equal(await new Program('bash', ['-ec', `${tool}\n${code}`]).output(), 'ok\n');
});

test('the examples of the storage guide run, with a server and after it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dunlin-guide-'));
  after(() => rm(folder, { recursive: true }));
  const data = join(folder, 'data');
  const server = await startServer({ listeners: [{ host: '127.0.0.1', port: 0 }], data });
  after(() => server.stop());
  const [look, backup, restore] = await blocks('storage', 'sh');
  const run = (code: string): Promise<string> =>
    new Program('bash', ['-ec', `cd "${folder}"; dunlin() { "${launcher}" "$@"; }\n${code}`]).output();
  assert.match(await run(look), /^The store in .*data:\n[\s\S]*^The store in .*data is sound:\n[\s\S]*\n\{.*\}\n$/m);
  assert.match(await run(backup), /^Backed up .*data to .*monday; the copy is sound:\n/);
  await server.stop();
  assert.match(await run(restore), /^Restored .*monday into .*data:\n[\s\S]*\n {2}former store +.*data\/former-/);
});

test('the example of the guide for those who come from Mosquitto runs as it says', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dunlin-guide-'));
  after(() => rm(folder, { recursive: true }));
  const [conf] = await blocks('from-mosquitto', 'conf');
  const [code] = await blocks('from-mosquitto', 'sh');
  const [yaml] = await blocks('from-mosquitto', 'yaml');
  const [told] = await blocks('from-mosquitto', 'text');
  await writeFile(join(folder, 'mosquitto.conf'), conf);
  const tool = `cd "${folder}"; dunlin() { "${launcher}" "$@" 2>&1 || test $? = 4; }`;
  assert.equal(await new Program('bash', ['-ec', `${tool}\n${code}`]).output(), told);
  assert.equal(await readFile(join(folder, 'dunlin.yaml'), 'utf8'), yaml);
});

test('the guide lists the exit codes of the tool', async () => {
  const text = await readFile(new URL('../../docs/guide/command-line.md', import.meta.url), 'utf8');
  const plain = text.replaceAll('`', '').replace('128 to 162', '128-162');
  for (const { code, meaning } of EXIT_CODES) assert.ok(plain.includes(`| ${code} | ${meaning} |`), code);
});
