import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runningServer } from '../contract/local-server.ts';
import { altered, visiting } from '../contract/probed-server.ts';
import { tryVersions } from './probing.ts';
import { Attempt, tooSlow, type VisitOptions } from './visit.ts';

async function attempting(visit: VisitOptions): Promise<Attempt> {
  const { entrance } = await tryVersions(visit, undefined);
  assert.ok(entrance !== undefined);
  return new Attempt(visit, entrance.version, entrance.connack, visit.signal);
}

test('Client Identifiers and topics are of this visit alone, and short enough for MQTT 3.1', async () => {
  const attempt = await attempting(visiting({}, { clientIdPrefix: 'dunlin-probe-', topicPrefix: 'a/b' }));
  assert.match(attempt.newClientId(), /^dunlin-probe-[0-9a-f]{8}$/);
  assert.notEqual(attempt.newClientId(), attempt.newClientId());
  assert.ok(attempt.newClientId().length <= 23);
  assert.equal(attempt.topic('c'), 'a/b/c');
});

test('a password goes with MQTT 5.0, and before only with a user name', async () => {
  const attempt = await attempting(visiting());
  const secret = Buffer.from('x');
  const { signal, connack } = attempt;
  const by = (username: string | undefined) =>
    new Attempt({ ...attempt.visit, username, password: secret }, 5, connack, signal);
  assert.equal(by(undefined).connectPacket(5, {}).password, secret);
  assert.equal(by(undefined).connectPacket(4, {}).password, undefined);
  assert.equal(by('me').connectPacket(4, {}).password, secret);
});

test('the end clears sessions and retained messages', async () => {
  const attempt = await attempting(visiting());
  const { conversation } = await attempt.connect(attempt.lasting(attempt.newClientId()));
  const topic = attempt.topic('kept');
  attempt.retains(topic);
  await conversation.publish(topic, 'x', { retain: true });
  const { broker } = runningServer();
  assert.equal(broker.sessionsById.size, 1);
  assert.equal(await attempt.end(), undefined);
  assert.equal(broker.sessionsById.size, 0);
  const { conversation: later } = await attempt.connect();
  await later.subscribe(topic);
  assert.deepEqual(await later.messages(), []);
  await attempt.end();
});

test('what cannot be cleared is told', async () => {
  let isOver = false;
  const refusing = altered('connect', (packet) => (isOver ? 'end' : packet));
  const attempt = await attempting(visiting({ toServer: refusing }));
  attempt.retains(attempt.topic('kept'));
  isOver = true;
  assert.match(String(await attempt.end()), /CONNECT: the server closed the connection/);
});

test('a time-out says how long', () => {
  assert.equal(tooSlow(1500).message, 'no answer within 1.5 s');
});
