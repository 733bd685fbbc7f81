/** The fleet of players from nothing: certificates, mutual TLS, requests, views that count once, renewal, revocation. */
import assert from 'node:assert/strict';
import { randomUUID, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { type ConnectOptions, connect } from '@dunlin/client';
import { createAuthority, issueClientCertificate } from '@dunlin/devices';
import { completeConfiguration } from '../../packages/server/src/configuration.ts';
import { parseConfiguration } from '../../packages/server/src/configuration-file.ts';
import { debianPython, missing } from '../../tools/prerequisites.ts';
import { Program } from '../interop/local-broker.ts';
import { ended, example, Fleet, run, showsTimes, write } from './fleet.ts';
import { install, type Player, register, registerByCode, urlsOf, views } from './player.ts';

const fleet = await Fleet.init('players');
await fleet.start();
const urls = urlsOf(fleet);
const website = await startWebsite(fleet);

/** The application of the example; its folder is `website`. */
async function startWebsite(of: Fleet): Promise<Program> {
  await mkdir(of.path('website'), { recursive: true });
  const program = run('players/server.ts', [of.path('website'), of.passwordFile, urlsOf(of).services]);
  await program.shows('Serving players');
  return program;
}

function play(player: Player, url = urls.players, more: readonly string[] = []): Program {
  return run('players/player.ts', [player.folder, url, ...more]);
}

/** For a client of the test that has the certificate of a player. */
function optionsOf({ id, files }: Player): ConnectOptions {
  const [ca, cert, key] = files.map((file) => readFileSync(file, 'utf8'));
  return { clientId: id, username: id, password: '', tls: { ca, cert, key }, reconnect: false };
}

const show = (of: Fleet, { id }: Player, artwork_id: number) =>
  of.done('POST', `/api/v1/devices/${id}/commands/show?waitMs=60000`, { input: { artwork_id } });

test('development is the same configuration at other ports', () => {
  const text = readFileSync(example('players/dunlin.yaml'), 'utf8');
  const lines = readFileSync(example('players/development.env'), 'utf8').match(/^\w+=.*$/gm) ?? [];
  const development = Object.fromEntries(lines.map((line) => line.split('=')));
  const listenersOf = (environment: Readonly<Record<string, string>>) => {
    const { listeners } = completeConfiguration(parseConfiguration(text, 'dunlin.yaml', { environment }));
    return listeners.map(({ name, port, origins }) => ({ name, port, origins }));
  };
  const [production, other] = [listenersOf({}), listenersOf(development)];
  assert.deepEqual(
    production.map(({ port }) => port),
    [8883, 8080, 1883, 8081],
  );
  assert.deepEqual(
    other.map(({ port }) => port),
    [8884, 8180, 1884, 8181],
  );
  assert.deepEqual(
    other.map(({ name }) => name),
    production.map(({ name }) => name),
  );
  assert.deepEqual(other[1].origins, ['https://development.makapix.example']);
});

describe('players', () => {
  test('one of the example says that it is there, asks for posts, shows what it is told to, and its view counts', async () => {
    const player = await register(fleet);
    const program = play(player);
    await program.shows('Posts: 101, 102, 103, 104, 105\n');
    await website.shows(`${player.id} is online\n`);
    const shown = await show(fleet, player, 7);
    assert.deepEqual([shown.state, shown.confirmed], ['sent', true]);
    await program.shows('Shows artwork 7\n');
    await website.shows(`${player.id} showed artwork 7\n`);
    const refused = await fleet.ask('POST', `/api/v1/devices/${player.id}/commands/show`, {
      input: { artwork_id: 'x' },
    });
    assert.equal(refused.status, 400);
    // The will: nobody said goodbye.
    program.kill('SIGKILL');
    await website.shows(`${player.id} is offline\n`);
    assert.match(program.out, /^connecting\nconnected\n/);
  });

  test("the document's own program connects with MQTT 5.0 and mutual TLS", { skip: missing('paho') }, async () => {
    const player = await register(fleet);
    const words = [example('players/player.py'), player.id, ...player.files, '127.0.0.1', fleet.port('PLAYERS_PORT')];
    const program = new Program(debianPython, words);
    await program.shows('Connected successfully\n');
    await website.shows(`${player.id} is online\n`);
    const { id } = await show(fleet, player, 8);
    const payload = JSON.stringify({ command_id: id, command: 'show_artwork', artwork_id: 8 });
    await program.shows(`makapix/player/${player.id}/command ${payload}\n`);
    program.kill('SIGKILL');
  });

  test('firmware that speaks MQTT 3.1.1 at QoS 0 is answered, and its view counts', {
    skip: missing('paho'),
  }, async () => {
    const player = await register(fleet);
    const words = [example('players/firmware.py'), player.id, ...player.files, '127.0.0.1', fleet.port('PLAYERS_PORT')];
    const program = new Program(debianPython, words);
    await program.shows(`makapix/player/${player.id}/response/1 {"success":true,"posts":[101,102]}\n`);
    await website.shows(`${player.id} is online\n`);
    await show(fleet, player, 9);
    await website.shows(`${player.id} showed artwork 9\n`);
    program.kill('SIGKILL');
  });

  test('mosquitto_sub hears the commands of its own player, and may say and hear nothing of another one', {
    skip: missing('mosquitto_sub', 'mosquitto_pub'),
  }, async () => {
    const [player, other] = [await register(fleet), await register(fleet)];
    const [ca, certificate, key] = player.files;
    const tls = [
      '-h',
      'localhost',
      '-p',
      fleet.port('PLAYERS_PORT'),
      '--cafile',
      ca,
      '--cert',
      certificate,
      '--key',
      key,
    ];
    const who = ['-V', '5', '-i', player.id, '-u', player.id];
    const topics = ['-t', `makapix/player/${player.id}/command`, '-t', `makapix/player/${other.id}/command`];
    const program = new Program('mosquitto_sub', [...tls, ...who, ...topics, '-q', '1', '-C', '1']);
    await fleet.server.told('subscriptionRefused', {
      clientId: player.id,
      filter: `makapix/player/${other.id}/command`,
    });
    const { id } = await show(fleet, player, 10);
    assert.equal(JSON.parse(await program.output()).command_id, id);
    const view = ['-t', `makapix/player/${other.id}/view`, '-m', '{}', '-q', '1'];
    await new Program('mosquitto_pub', [...tls, ...who, ...view]).exited;
    await fleet.server.told('publishRefused', { clientId: player.id });
    // The certificate of this player under the name of that one.
    const stranger = new Program('mosquitto_pub', [...tls, '-V', '5', '-i', other.id, '-u', other.id, ...view]);
    assert.notEqual(await stranger.exited, 0);
    await fleet.server.told('connectRefused', { clientId: other.id, check: 'certificate-username' });
  });

  test('a view that is said twice counts once', async () => {
    const player = await register(fleet);
    await using client = await connect(urls.players, optionsOf(player));
    const view = { view_id: randomUUID(), artwork_id: 11, viewed_at: new Date().toISOString() };
    for (let n = 0; n < 3; n++) await client.publish(`makapix/player/${player.id}/view`, view, { qos: 1 });
    await showsTimes(website, `${player.id} said again that it showed artwork 11\n`, 2);
    assert.equal(views(fleet, player).length, 1);
  });

  test('a player registers by a code that its owner enters; its certificate is renewed during the session, and cut when revoked', async () => {
    const { player, program } = await registerByCode(fleet);
    const { owner, name } = await fleet.done('GET', `/api/v1/devices/${player.id}`);
    assert.deepEqual([owner, name], ['ada', 'kitchen']);
    // One that ends soon is put in the place of the first; the player connects with it, and renews it.
    const path = `/api/v1/devices/${player.id}/certificates`;
    const short = await fleet.done('POST', path, { generateKey: true, days: 20 });
    install(player, short);
    await program.shows('The certificate of the client ends in 19 days\n');
    const former = optionsOf(player);
    await program.shows('The certificate is renewed\n');
    await showsTimes(program, 'Waiting for commands\n', 3);
    const { serialNumber } = new X509Certificate(readFileSync(player.files[1]));
    assert.notEqual(serialNumber, short.serial);
    const shown = await show(fleet, player, 12);
    assert.deepEqual([shown.state, shown.confirmed], ['sent', true]);

    // The short one counts on until it is revoked.
    program.kill('SIGKILL');
    const older = await connect(urls.players, former);
    await fleet.done('POST', `/api/v1/certificates/${short.serial}/revoke`, { reason: 'keyCompromise' });
    const { error } = await older.closed;
    assert.deepEqual([error?.code, error?.reasonCode], ['server-disconnected', 0x87]);
    await assert.rejects(connect(urls.players, former), { code: 'refused', reasonCode: 0x87 });

    const next = play(player);
    await next.shows('Posts: 101');
    await fleet.done('POST', `/api/v1/certificates/${serialNumber}/revoke`, {});
    await fleet.server.told('clientDisconnected', { clientId: player.id, check: 'certificate-revoked' });
    await next.shows('reconnecting ');
    const why = await fleet.done('GET', `/api/v1/devices/${player.id}/why`);
    assert.equal(why.refusals[0].check, 'certificate-revoked');
    // It waits for another certificate, and takes it at once.
    install(player, await fleet.done('POST', path, { generateKey: true }));
    await showsTimes(next, 'Waiting for commands\n', 2);
    await ended(next);
  });

  test('a web site enters the code for its owner, with a key that may do nothing else', async () => {
    const { code } = await fleet.done('POST', '/api/v1/claims', { type: 'player' });
    const { key } = await fleet.done('POST', '/api/v1/keys', { name: 'shop', scopes: ['claims:write'] });
    const keyFile = fleet.path('shop.key');
    write(keyFile, key);
    const id = (await run('players/confirm.ts', [code, 'ada', keyFile, urls.api]).output()).trimEnd();
    assert.equal((await fleet.done('GET', `/api/v1/devices/${id}`)).owner, 'ada');
    const wrong = run('players/confirm.ts', ['AAAAAA', 'ada', keyFile, urls.api]);
    assert.equal(await wrong.exited, 1);
    assert.match(wrong.err, /^claim-code-unknown: /);
  });

  test('a player whose certificate has ended renews by its token before it connects', async () => {
    const { player, program } = await registerByCode(fleet);
    await ended(program);
    const nowMs = Date.now() - 10 * 86_400_000;
    const authority = createAuthority({ commonName: 'Former', days: 5, nowMs });
    const { certificate, key = '' } = issueClientCertificate({ authority, commonName: player.id, days: 1, nowMs });
    install(player, { chain: certificate, key });
    const again = play(player, urls.players, [urls.api]);
    await again.shows('Posts: 101');
    assert.match(await ended(again), /^The certificate is renewed\nconnecting\nconnected\n/);
  });

  test('over kill -9 of server, application and player nothing is lost: what was shown meanwhile counts, once', async () => {
    const killed = await Fleet.init('players');
    await killed.start();
    const player = await register(killed);
    const program = play(player, urlsOf(killed).players);
    let application = await startWebsite(killed);
    await program.shows('Waiting for commands\n');
    await show(killed, player, 1);
    await application.shows(`${player.id} showed artwork 1\n`);
    application.kill('SIGKILL');
    await application.exited;
    // The application is away: its session has the view.
    await show(killed, player, 2);
    await program.shows('Shows artwork 2\n');
    await killed.killAndStart();
    const late = await show(killed, player, 3);
    assert.deepEqual([late.state, late.confirmed], ['sent', true]);
    application = await startWebsite(killed);
    await application.shows(`${player.id} showed artwork 3\n`);
    // The player is away: the command waits.
    program.kill('SIGKILL');
    await application.shows(`${player.id} is offline\n`);
    const path = `/api/v1/devices/${player.id}/commands/show`;
    const { id } = await killed.done('POST', path, { input: { artwork_id: 4 } });
    const again = play(player, urlsOf(killed).players);
    await again.shows('Shows artwork 4\n');
    await application.shows(`${player.id} showed artwork 4\n`);
    const told = await killed.done('GET', `/api/v1/commands/${id}?waitMs=60000`);
    assert.deepEqual([told.state, told.confirmed], ['sent', true]);
    const counted = views(killed, player).map(({ artwork_id }) => artwork_id);
    assert.deepEqual([...new Set(counted)].sort(), [1, 2, 3, 4]);
    assert.equal(new Set(views(killed, player).map(({ view_id }) => view_id)).size, counted.length);
    // What it was told of a player it knows when it comes again.
    await showsTimes(application, `${player.id} is online\n`, 2);
    application.kill('SIGKILL');
    await application.exited;
    application = await startWebsite(killed);
    assert.ok(application.out.includes(`Online as far as known: ${player.id}\n`), application.out);
  });
});
