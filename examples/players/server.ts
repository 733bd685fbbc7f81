/**
 * The application behind the players: answers their requests, keeps their status, counts each view once.
 *
 *     npx node --conditions=@dunlin/source examples/players/server.ts FOLDER PASSWORD_FILE [URL]
 *
 * FOLDER keeps what was counted and the status of each player; PASSWORD_FILE has the password of the user `website`; URL is `mqtt://localhost:1883` by
 * default. It runs until SIGINT or SIGTERM. What comes while it is away waits in its session.
 */
import { readFileSync } from 'node:fs';
import { createClient } from '@dunlin/client/node';
import { CountedViews } from './counted-views.ts';
import { PlayerStatuses } from './player-statuses.ts';
import { REQUEST, STATUS, topics, VIEW } from './topics.ts';

/** Where this stands for a database. */
const POSTS = [101, 102, 103, 104, 105];

const [folder, passwordFile, url = 'mqtt://localhost:1883'] = process.argv.slice(2);
if (passwordFile === undefined) throw new Error('Cannot serve players: FOLDER and PASSWORD_FILE are expected');
const views = await CountedViews.open(folder);
const statuses = await PlayerStatuses.open(folder);
console.log(`Online as far as known: ${statuses.of('online').join(', ') || 'none'}`);

const client = createClient(url, {
  clientId: 'website',
  username: 'website',
  password: () => readFileSync(passwordFile, 'utf8').trim(),
  cleanStart: false,
  // So many views are under way at once.
  properties: { sessionExpiryInterval: 86_400, receiveMaximum: 50 },
  connectAttempts: Infinity,
  on: {
    state: (state, reason) => console.log(state, reason?.error?.message ?? ''),
    responderFailed: (error) => console.log(`Not answered: ${error}`),
  },
});
const typed = topics.with(client, {
  invalid: ({ topic }, error) => console.log(`Ignored on ${topic}: ${error.message}`),
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void client.disconnect());

// Subscribed before the answer: what waited in the session comes at once.
const connected = client.connect();
const subscribed = [
  // Acknowledged when it is stored.
  typed.subscribe(STATUS, {}, { qos: 1 }, async ({ params: { player }, value: { status } }) => {
    if (await statuses.set(player, status)) console.log(`${player} is ${status}`);
  }),
  typed.subscribe(VIEW, {}, { qos: 1 }, async ({ params: { player }, value }) => {
    const isNew = await views.add(player, value);
    console.log(`${player} ${isNew ? 'showed' : 'said again that it showed'} artwork ${value.artwork_id}`);
  }),
  typed.respond(REQUEST, {}, ({ value: { limit } }) => ({ success: true, posts: POSTS.slice(0, limit) })),
];
await Promise.all([connected, ...subscribed]);
console.log('Serving players');
await client.closed;
await views.close();
await statuses.close();
