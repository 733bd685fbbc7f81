/**
 * A camera from nothing: an empty directory, a configuration, a device made by the API, and a client of others that connects
 * with its token and is woken. By HTTP with an API key, and by the control socket.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { askServer, type LocalRequest, readConfigurationFile, type ServerEvent, startServer } from '@dunlin/server';
import { missing } from '../../tools/prerequisites.ts';
import { scratch } from '../doors/guarded-server.ts';
import { Program } from '../interop/local-broker.ts';

const CONFIGURATION = `
listeners:
  - { name: mqtt, port: 0 }
  - { name: web, transport: ws, port: 0, api: true }
data: data
authentication: [{ name: fleet, method: devices }]
devices:
  types:
    camera:
      credential: token
      clientId:
        template: '{partner}-{clientId}-{space}-{deviceId}'
        patterns: { clientId: word }
        equals: { partner: '{attr.partner}', space: '{attr.space}', deviceId: '{deviceId}' }
      requiredAttributes: [thingName, partner, space]
      uniqueAttributes: [thingName]
      rules: [{ allow: subscribe, topics: 'device/things/{attr.thingName}/message' }]
      presence: { topic: 'dunlin/presence/{deviceId}' }
      commands:
        wake:
          topic: 'device/things/{attr.thingName}/message'
          payload: { message_id: '{commandId}', type: WakeUP, timestamp: '{nowS}', body: { deviceId: '{deviceId}' } }
          ttlS: 60
`;

const CAMERA = { id: 'cam-1', type: 'camera', attributes: { thingName: 'thing-1', partner: 'p1', space: 's1' } };
const SCOPES = ['devices:read', 'devices:write', 'credentials:write', 'commands:write'];

// biome-ignore lint/suspicious/noExplicitAny: whatever the API answers
type Answer = { readonly status: number; readonly body: any };

async function start(directory: string) {
  writeFileSync(join(directory, 'dunlin.yaml'), CONFIGURATION);
  const events: ServerEvent[] = [];
  const seen = new Set<() => void>();
  const onEvent = (event: ServerEvent): void => {
    events.push(event);
    for (const look of seen) look();
  };
  const server = await startServer(readConfigurationFile(join(directory, 'dunlin.yaml')), { onEvent });
  const [mqtt, web] = server.listeners.map(({ port }) => port);
  /** Settles with the first event of the name that was told, or will be. */
  const told = (name: ServerEvent['name']): Promise<ServerEvent> =>
    new Promise((resolve) => {
      const look = (): void => {
        const found = events.find((event) => event.name === name);
        if (found === undefined) return;
        seen.delete(look);
        resolve(found);
      };
      seen.add(look);
      look();
    });
  return { server, mqtt: String(mqtt), web: `http://127.0.0.1:${web}`, told, events };
}

function subscriber(port: string, token: string, more: readonly string[] = []): Program {
  const who = ['-i', 'p1-c1-s1-cam-1', '-u', 'cam-1', '-P', token];
  return new Program('mosquitto_sub', ['-p', port, ...who, '-t', 'device/things/thing-1/message', ...more]);
}

function checkWake(output: string, commandId: string): void {
  const { timestamp, ...message } = JSON.parse(output);
  assert.deepEqual(message, { message_id: commandId, type: 'WakeUP', body: { deviceId: 'cam-1' } });
  assert.ok(Number.isInteger(timestamp));
}

test('a camera is added by HTTP with an API key, connects with its token, is woken and is seen to be there', {
  skip: missing('mosquitto_sub'),
}, async () => {
  const { server, mqtt, web, told, events } = await start(scratch());
  try {
    const made = await server.api({ method: 'POST', path: '/api/v1/keys', body: { name: 'test', scopes: SCOPES } });
    const { key } = JSON.parse(made.body);
    const ask = async (method: string, path: string, body?: object): Promise<Answer> => {
      const answer = await fetch(`${web}${path}`, {
        method,
        headers: { authorization: `Bearer ${key}`, ...(body && { 'content-type': 'application/json' }) },
        ...(body && { body: JSON.stringify(body) }),
      });
      return { status: answer.status, body: answer.status === 204 ? undefined : await answer.json() };
    };
    assert.equal((await ask('POST', '/api/v1/devices', CAMERA)).status, 201);
    const { body: issued } = await ask('POST', '/api/v1/devices/cam-1/tokens', {});
    const camera = subscriber(mqtt, issued.token, ['-q', '1', '-C', '1']);
    await told('subscribed');
    const woken = await ask('POST', '/api/v1/devices/cam-1/commands/wake?waitMs=30000', {});
    assert.deepEqual([woken.status, woken.body.state, woken.body.confirmed], [202, 'sent', true]);
    checkWake(await camera.output(), woken.body.id);
    await told('clientDisconnected');
    const presence = await ask('GET', '/api/v1/devices/cam-1/presence');
    assert.deepEqual([presence.body.session, presence.body.clientId], [1, 'p1-c1-s1-cam-1']);
    assert.equal((await ask('GET', '/api/v1/audit')).status, 403);

    const wrong = subscriber(mqtt, 'wrong', ['-C', '1']);
    assert.notEqual(await wrong.exited, 0);
    const why = await ask('GET', '/api/v1/devices/cam-1/why');
    assert.deepEqual([why.body.hindrances, why.body.refusals[0].check], [[], 'token']);
    assert.equal((await ask('DELETE', '/api/v1/devices/cam-1')).status, 204);
    const removed = subscriber(mqtt, issued.token, ['-C', '1']);
    assert.notEqual(await removed.exited, 0);
    const secret = issued.token.slice(3);
    assert.ok(!JSON.stringify(events).includes(secret));
  } finally {
    await server.stop();
  }
});

test('the same by the control socket: a wake-up that is requested before the camera comes waits for it, over a restart', {
  skip: missing('mosquitto_sub'),
}, async () => {
  const directory = scratch();
  let running = await start(directory);
  const ask = async (method: LocalRequest['method'], path: string, body?: object): Promise<Answer> => {
    const answered = await askServer(join(directory, 'data'), { command: 'api', method, path, ...(body && { body }) });
    const { status, body: text } = answered?.result ?? { status: 0, body: '' };
    return { status, body: text === '' ? undefined : JSON.parse(text) };
  };
  try {
    assert.equal((await ask('POST', '/api/v1/devices', CAMERA)).status, 201);
    const { body: issued } = await ask('POST', '/api/v1/devices/cam-1/tokens', { label: 'first' });
    const { body: queued } = await ask('POST', '/api/v1/devices/cam-1/commands/wake', { id: 'wake-1' });
    assert.deepEqual([queued.id, queued.state, queued.by], ['wake-1', 'queued', 'local']);
    await running.server.stop();
    running = await start(directory);
    const camera = subscriber(running.mqtt, issued.token, ['-C', '1']);
    checkWake(await camera.output(), 'wake-1');
    // Subscribed at QoS 0: nobody knows more than that it was written.
    await running.told('commandSent');
    const { body: sent } = await ask('GET', '/api/v1/commands/wake-1?waitMs=30000');
    assert.deepEqual([sent.state, sent.confirmed], ['sent', false]);
    const { body: audit } = await ask('GET', '/api/v1/audit');
    assert.deepEqual(
      audit.items.map(({ action, by, target }: Record<string, string>) => `${by} ${action} ${target}`),
      ['local command.request cam-1', 'local token.issue cam-1', 'local device.add cam-1'],
    );
  } finally {
    await running.server.stop();
  }
});
