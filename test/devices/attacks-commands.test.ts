/** Devices that speak about commands which are not theirs, and callers that put more into a command than it takes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RawClient } from '../conformance/raw-client.ts';
import { scratch } from '../doors/guarded-server.ts';
import { type Answer, FleetServer, fleetFiles, unique } from './fleet-server.ts';

const files = fleetFiles(scratch());
const fleet = await FleetServer.start(files);
const { guarded } = fleet;

interface Player {
  readonly id: string;
  readonly client: RawClient;
}

/** A player that is connected and takes commands. */
async function player(): Promise<Player> {
  const id = unique('player');
  const client = await guarded.openTls('tls', await fleet.player(id));
  await client.connect({ clientId: id, username: id, password: '' });
  await client.subscribe([`player/${id}/command`, 1]);
  return { id, client };
}

const show = (id: string, body: object): Promise<Answer> =>
  fleet.ask('POST', `/api/v1/devices/${id}/commands/show`, body);
const stateOf = async (id: string): Promise<string> => (await fleet.done('GET', `/api/v1/commands/${id}`)).state;

/** Something may still happen to it. */
const OPEN = /^(queued|sent)$/;

/** Says a command is done, and waits until the service has heard it. */
async function say({ id, client }: Player, payload: string | Buffer, topic = `player/${id}/done`): Promise<number> {
  return await client.deliver({ topic, qos: 1, payload });
}

/** The service hears messages in their order: what was said before this command ended was heard before. */
async function heardAll(one: Player): Promise<void> {
  const { body } = await show(one.id, { input: 'last' });
  await say(one, JSON.stringify({ id: body.id }));
  const ended = await fleet.done('GET', `/api/v1/commands/${body.id}?waitMs=20000`);
  assert.equal(ended.state, 'acknowledged');
}

test('nobody but the device that was asked acknowledges a command, whatever it knows of it', async () => {
  const [asked, other] = [await player(), await player()];
  const { body: command } = await show(asked.id, { input: 'a picture', id: unique('known') });
  const said = JSON.stringify({ id: command.id });
  await asked.client.receive({ topic: `player/${asked.id}/command` });
  assert.ok((await say(other, said)) < 0x80);
  assert.equal(await say(other, said, `player/${asked.id}/done`), 0x87);
  assert.ok((await say(other, said, `player/${other.id}/request/${command.id}`)) < 0x80);
  await heardAll(other);
  assert.match(await stateOf(command.id), OPEN);
  await say(asked, said);
  const ended = await fleet.done('GET', `/api/v1/commands/${command.id}?waitMs=20000`);
  assert.equal(ended.state, 'acknowledged');
});

test('what is no acknowledgement changes nothing, however it is made', async () => {
  const one = await player();
  const { body: command } = await show(one.id, { input: 'x' });
  const nothing = [
    '',
    'null',
    '{}',
    '{"id":null}',
    `{"id":["${command.id}"]}`,
    `{"__proto__":{"id":"${command.id}"}}`,
    `{"id":"${command.id} "}`,
    `{"id":"${command.id.toUpperCase()}x"}`,
    `{"ID":"${command.id}"}`,
    `"${command.id}"`,
    command.id,
    '{"id":"../../x"}',
    '{"id":"__proto__"}',
    `{"id":"${'x'.repeat(60_000)}"}`,
    '['.repeat(50_000),
    Buffer.from([0xff, 0xfe, 0xed, 0xa0, 0x80]),
    Buffer.alloc(60_000, 0x20),
  ];
  for (const payload of nothing) assert.ok((await say(one, payload)) < 0x80);
  for (let guess = 0; guess < 200; guess++) await say(one, JSON.stringify({ id: `guess-${guess}` }));
  await heardAll(one);
  assert.match(await stateOf(command.id), OPEN);
  assert.equal(guarded.count('deviceServiceFailed'), 0);
});

test('an acknowledgement that came before its command, retained or not, is none of it', async () => {
  const one = await player();
  const id = unique('foreseen');
  const early = { topic: `player/${one.id}/done`, qos: 1, payload: JSON.stringify({ id }) } as const;
  await one.client.deliver(early);
  await one.client.deliver({ ...early, retain: true });
  await heardAll(one);
  await show(one.id, { input: 'x', id });
  await heardAll(one);
  assert.match(await stateOf(id), OPEN);
});

test('a device that gets the id of a removed one gets none of its commands, nor may it answer them', async () => {
  const id = unique('player');
  await fleet.player(id);
  const { body: command } = await show(id, { input: 'for the former owner', id: unique('former') });
  assert.equal(command.state, 'queued');
  await fleet.done('DELETE', `/api/v1/devices/${id}`);
  const client = await guarded.openTls('tls', await fleet.player(id));
  await client.connect({ clientId: id, username: id, password: '' });
  await client.subscribe([`player/${id}/command`, 1]);
  await say({ id, client }, JSON.stringify({ id: command.id }));
  const { body: next } = await show(id, { input: 'for the next' });
  const { payload } = await client.receive();
  assert.deepEqual(JSON.parse(payload.toString()), { id: next.id, show: 'for the next' });
  assert.equal(await stateOf(command.id), 'failed');
});

test('what a caller gives stays what it is: no template, no other topic, nothing beside the schema', async () => {
  const one = await player();
  const input = '{deviceId} {attr.secret} ${7*7} /+/# \u0000';
  const { body: command } = await show(one.id, { input });
  const { payload, topic } = await one.client.receive();
  assert.deepEqual(
    [topic.toString(), JSON.parse(payload.toString())],
    [`player/${one.id}/command`, { id: command.id, show: input }],
  );
  const refused: object[] = [
    { input: 1 },
    { input: { a: 1 } },
    { input: 'x'.repeat(101) },
    {},
    { input: 'x', id: '../x' },
    { input: 'x', id: 'a/b' },
    { input: 'x', id: '#' },
    { input: 'x', id: '' },
    { input: 'x', id: 'x'.repeat(129) },
    { input: 'x', ttlS: 0 },
    { input: 'x', ttlS: 1e9 },
    { input: 'x', topic: 'player/other/command' },
  ];
  for (const body of refused) assert.equal((await show(one.id, body)).status, 400, JSON.stringify(body));
  for (const type of ['none', '__proto__', 'constructor', '..%2fshow', "'"])
    assert.equal((await fleet.ask('POST', `/api/v1/devices/${one.id}/commands/${type}`, {})).status, 404, type);
  const known = { input: 'x', id: unique('same') };
  assert.equal((await show(one.id, known)).status, 202);
  const other = await player();
  for (const [id, body] of [
    [one.id, { ...known, input: 'y' }],
    [other.id, known],
  ] as const)
    assert.deepEqual((await show(id, body)).body.code, 'command-conflict');
});

test('commands for a device that is away are as many as the limit says', async () => {
  const id = unique('cam');
  await fleet.camera(id);
  const answers = await Promise.all(
    Array.from({ length: 130 }, () => fleet.ask('POST', `/api/v1/devices/${id}/commands/wake`, {})),
  );
  const codes = answers.filter(({ status }) => status !== 202).map(({ body }) => body.code);
  assert.deepEqual([codes.length, [...new Set(codes)]], [30, ['limit-reached']]);
});
