import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type Client, connect, type ReceivedMessage, SYSTEM } from '@dunlin/client';
import { targetOf } from '../connecting.ts';
import { newConnectionFlags } from '../connection-flags.ts';
import { port } from '../contract/local-server.ts';
import { RecordedTerminal } from '../contract/recorded-terminal.ts';
import { ErrorTally } from '../error-tally.ts';
import { Histogram } from '../histogram.ts';
import { Device, newFleetCounts } from './device.ts';
import { RandomSource } from './random-source.ts';
import { Schedule } from './schedule.ts';
import { parseScriptText } from './script.ts';

let watcher: Client;
after(() => watcher.disconnect());

/** A device of the fleet `f`, begun, and what it counts. */
function started(yaml: string, speed = 1, seed = '1') {
  const [fleet] = parseScriptText(`fleets: {f: ${yaml}}`, 's', '.').fleets;
  const flags = { ...newConnectionFlags(), host: '127.0.0.1', port: port() };
  const target = targetOf(flags, new RecordedTerminal());
  const world = {
    schedule: new Schedule(SYSTEM, speed, 1_700_000_000_000),
    speed,
    target: () => target,
    counts: newFleetCounts('f', 1),
    errors: new ErrorTally(),
    acknowledged: new Histogram(),
  };
  const device = new Device(fleet, 0, new RandomSource(seed), world);
  device.start(0);
  return { ...world, device };
}

async function eventually(happened: () => boolean): Promise<void> {
  for (let look = 0; look < 2000 && !happened(); look++) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(happened());
}

async function collected(filter: string): Promise<ReceivedMessage[]> {
  const messages: ReceivedMessage[] = [];
  watcher ??= await connect(`mqtt://127.0.0.1:${port()}`);
  await watcher.subscribe(filter, { qos: 2 }, (message) => messages.push(message));
  return messages;
}

test('a device greets when it has connected, and publishes by its schedule', async () => {
  const messages = await collected('own/#');
  const { device, counts, errors, acknowledged } = started(
    '{values: {room: "r{i}"}, publish: [{topic: "own/{room}/on", on: connect, qos: 1, payload: "{fleet} {i}"}, ' +
      '{topic: "own/{n}", every: 1s, values: {n: {$counter: {}}}, payload: {n: "{n}", at: {$timestamp: s}}}]}',
    // What is due before it has connected is left out, so time passes slowly enough for a handshake on a busy machine.
    2,
  );
  await eventually(() => messages.length >= 4);
  await device.stop();
  const [greeting, ...others] = messages
    .map((message) => `${message.topic} ${message.text()}`)
    .sort((a, b) => (a < b ? 1 : -1));
  assert.equal(greeting, 'own/r0/on f 0');
  assert.ok(
    others.some((text) => /^own\/1 \{"n":"1","at":17000000\d\d\}$/.test(text)),
    others.join(),
  );
  assert.deepEqual([counts.connects, counts.connected, errors.total, acknowledged.count], [1, 0, 0, 1]);
  assert.ok(counts.published >= 4);
});

test('it answers on a topic of its own, with parts of the request, after its delay', async () => {
  const messages = await collected('answer/#');
  const { device, counts } = started(
    '{subscribe: [{topic: ask/+/x/+, qos: 1, respond: {topic: "answer/{level2}/{level1}", qos: 1, delay: 10ms, ' +
      'payload: {id: {$request: id}, by: "{fleet}"}}}], publish: [{topic: answer/there, on: connect}]}',
  );
  await eventually(() => messages.length === 1);
  await watcher.publish('ask/a/x/b', { id: 5 }, { qos: 1 });
  await watcher.publish('ask/a/x/c', 'no JSON', { qos: 1 });
  await eventually(() => messages.length === 3);
  await device.stop();
  assert.deepEqual(
    messages.slice(1).map((message) => [message.topic, message.text()]),
    [
      ['answer/b/a', '{"id":5,"by":"f"}'],
      ['answer/c/a', '{"id":null,"by":"f"}'],
    ],
  );
  assert.deepEqual([counts.received, counts.answered, counts.receivedBytes], [2, 2, 15]);
});

test('without a topic it answers on the Response Topic, with the Correlation Data (section 4.10)', async () => {
  const messages = await collected('reply/#');
  const { device } = started(
    '{subscribe: [{topic: service, respond: {payload: done}}], publish: [{topic: reply/there, on: connect}]}',
  );
  await eventually(() => messages.length === 1);
  const correlationData = Buffer.from('42');
  await watcher.publish('service', '', { properties: { responseTopic: 'reply/me', correlationData } });
  await watcher.publish('service', '');
  await eventually(() => messages.length === 2);
  await device.stop();
  assert.deepEqual([messages[1].topic, messages[1].text()], ['reply/me', 'done']);
  assert.deepEqual(Buffer.from(messages[1].properties.correlationData ?? []), correlationData);
});

test('it sleeps and wakes in order, and what is due meanwhile is skipped', async () => {
  const wills = await collected('slept/#');
  const { device, counts, errors } = started(
    '{life: {awake: 5s, asleep: 5s, jitter: 1s}, will: {topic: slept/will}, publish: [{topic: naps, every: 1s}]}',
    50,
  );
  await eventually(() => counts.connects >= 3);
  await device.stop();
  assert.ok(counts.skipped > 0 && counts.published > 0);
  assert.deepEqual([counts.drops, errors.rows(), counts.connected, wills.length], [0, [], 0, 0]);
});

test('a connection that the script breaks ends with the will and is made anew, and counts as no failure', async () => {
  const wills = await collected('dropped/#');
  const { device, counts, errors } = started('{life: {drops: 10s}, will: {topic: "dropped/{i}", payload: gone}}', 200);
  await eventually(() => counts.drops >= 2 && counts.connects > 2);
  await device.stop();
  assert.deepEqual([wills[0].topic, wills[0].text()], ['dropped/0', 'gone']);
  assert.deepEqual(errors.rows(), []);
});

test('the same seed gives the same messages', async () => {
  const runs: Map<string, string>[] = [];
  for (const seed of ['a', 'a', 'b']) {
    const found = new Map<string, string>();
    runs.push(found);
    const messages = await collected(`seeded${runs.length}/#`);
    const { device } = started(
      `{publish: [{topic: "seeded${runs.length}/{n}", every: 1s, jitter: 1s, values: {n: {$counter: {}}}, ` +
        'payload: [{$uuid: true}, {$normal: {mean: 0, deviation: 1}}]}]}',
      500,
      seed,
    );
    await eventually(() => Number(messages.at(-1)?.topic.split('/')[1]) > 300);
    await device.stop();
    for (const message of messages) found.set(message.topic.split('/')[1], message.text());
  }
  // The first ones are due before it is connected, more or fewer of them.
  const [one, same, other] = runs;
  const common = [...one.keys()].filter((number) => same.has(number) && other.has(number));
  assert.ok(common.length > 0);
  for (const number of common) {
    assert.equal(one.get(number), same.get(number));
    assert.notEqual(one.get(number), other.get(number));
  }
});
