/**
 * A player: says that it is there, asks for artworks, shows what it is told to, and reports each view once.
 *
 *     npx node --conditions=@dunlin/source examples/players/player.ts FOLDER [URL [API_URL]]
 *
 * FOLDER has certificate and key (see `credentials.ts`), and keeps views that have not been reported yet. URL is
 * `mqtts://localhost:8883` by default, or `wss://…/mqtt`. With API_URL, such as `http://localhost:8081`, a player without a
 * certificate shows a code for its owner to enter, and one that was registered so renews by itself. A certificate that is put
 * into FOLDER is used at once. It runs until SIGINT or SIGTERM.
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@dunlin/client';
import { createClient, fileOutbox } from '@dunlin/client/node';
import { identityOf, isRegistered, isRenewable, tlsOf, watchCertificate } from './credentials.ts';
import { register, renew } from './registration.ts';
import { COMMAND, REQUEST, STATUS, topics, VIEW } from './topics.ts';

const FIRMWARE_VERSION = '2.1.0';
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

const [folder, url = 'mqtts://localhost:8883', apiUrl] = process.argv.slice(2);
if (folder === undefined) throw new Error('Cannot play: FOLDER is expected');
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());

let renewableAtMs = 0;

function newClient(player: string, endsAtMs: number): Client {
  const offline = { player_key: player, status: 'offline' };
  return createClient(url, {
    clientId: player,
    username: player,
    password: '',
    tls: tlsOf(folder),
    will: { topic: `makapix/player/${player}/status`, payload: offline, qos: 1 },
    keepAlive: 60,
    connectAttempts: Infinity,
    reconnect: { minMs: 1_000, maxMs: 300_000 },
    outbox: { store: fileOutbox(join(folder, 'player.outbox')) },
    on: {
      state: (state, reason) => console.log([state, reason?.error?.message].filter(Boolean).join(' ')),
      reconnecting: ({ delayMs }) => {
        console.log(`next attempt in ${Math.ceil(delayMs / 1_000)} s`);
        if (endsAtMs < Date.now()) renewItself().catch(told);
      },
      certificateExpiring: ({ of, daysLeft }) => {
        console.log(`The certificate of the ${of} ends in ${daysLeft} days`);
        if (of === 'client') renewItself().catch(told);
      },
    },
  });
}

/** Once a day at most, however short certificates are; what failed is tried again after a minute. */
async function renewItself(): Promise<void> {
  if (apiUrl === undefined || !isRenewable(folder) || Date.now() < renewableAtMs) return;
  renewableAtMs = Date.now() + MINUTE_MS;
  await renew(folder, apiUrl, stop.signal);
  renewableAtMs = Date.now() + DAY_MS;
  console.log('The certificate is renewed');
}

/** Plays until another certificate is there, or the program is to end. */
async function play(): Promise<void> {
  const { playerKey: player, endsAtMs } = await identityOf(folder);
  if (endsAtMs < Date.now()) await renewItself().catch(told);
  const client = newClient(player, endsAtMs);
  const typed = topics.with(client, { invalid: (_message, error) => console.log(`Ignored: ${error.message}`) });
  const online = { player_key: player, status: 'online', firmware_version: FIRMWARE_VERSION } as const;
  client.on('connected', () => void typed.publish(STATUS, { player }, online, { qos: 1 }).catch(told));
  const ended = Promise.withResolvers<void>();
  const unwatch = watchCertificate(folder, ended.resolve);
  stop.signal.addEventListener('abort', () => ended.resolve(), { once: true });
  const playing = async (): Promise<void> => {
    // Subscribed before the answer: commands that waited in the session come at once.
    const connected = client.connect();
    const subscribed = typed.subscribe(COMMAND, { player }, { qos: 1 }, ({ value }) => {
      console.log(`Shows artwork ${value.artwork_id}`);
      const view = { view_id: randomUUID(), artwork_id: value.artwork_id, viewed_at: new Date().toISOString() };
      typed.publish(VIEW, { player }, view, { qos: 1 }).catch(told);
    });
    await Promise.all([connected, subscribed]);
    console.log('Waiting for commands');
    const { posts } = await typed.request(REQUEST, { player }, { request_type: 'query_posts', limit: 10 });
    console.log(`Posts: ${posts.join(', ')}`);
  };
  playing().catch(told);
  await ended.promise;
  unwatch();
  await client.disconnect();
}

/** What is not acknowledged when the connection is given up stays in the outbox. */
function told(error: unknown): void {
  console.log(String(error));
}

function show(code: string, expiresAtMs: number): void {
  console.log(`Enter the code ${code} until ${new Date(expiresAtMs).toISOString()}`);
}

for (let delayMs = 1_000; apiUrl !== undefined && !isRegistered(folder); delayMs = Math.min(2 * delayMs, 300_000)) {
  await register(folder, apiUrl, show, stop.signal).catch(told);
  if (stop.signal.aborted) break;
  if (!isRegistered(folder)) await sleep(delayMs, undefined, { signal: stop.signal }).catch(() => {});
}
while (!stop.signal.aborted) await play();
