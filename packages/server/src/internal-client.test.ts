import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Broker, type BrokerEvent, type Principal } from '@dunlin/broker';
import { RawClient } from '../../../test/conformance/raw-client.ts';
import { connectInternally, permitInternal } from './internal-client.ts';
import { startServer } from './server.ts';
import { systemClock } from './system-clock.ts';
import { systemRandom } from './system-random.ts';

const closing: (() => Promise<unknown>)[] = [];
after(async () => {
  for (const close of closing) await close();
});

async function broker(limits = {}): Promise<{ broker: Broker; events: BrokerEvent[]; asked: Principal[] }> {
  const asked: Principal[] = [];
  const permissions = (_clientId: string, principal: Principal) => {
    asked.push(principal);
    return undefined;
  };
  const made = new Broker({
    clock: systemClock,
    random: systemRandom,
    authorizer: permitInternal({ permissions }),
    limits,
  });
  const events: BrokerEvent[] = [];
  made.onEvent((event) => events.push(event));
  await made.start();
  closing.push(() => made.stop());
  return { broker: made, events, asked };
}

test('is let in as nobody else is, and no rule is asked about it', async () => {
  const { broker: made, events, asked } = await broker();
  const client = await connectInternally(made);
  closing.unshift(() => client.disconnect());
  const connected = events.find((event) => event.name === 'clientConnected');
  assert.equal(connected?.listener, 'internal');
  assert.match(connected?.identity ?? '', /^internal:[0-9a-f-]{36}$/);
  assert.match(connected?.clientId ?? '', /^dunlin-[0-9a-f]{32}$/);
  assert.deepEqual(asked, []);
});

test('who only looks like it is asked about', () => {
  const asked: Principal[] = [];
  const authorizer = permitInternal({
    permissions: (_clientId, principal) => {
      asked.push(principal);
      return undefined;
    },
  });
  const alike: Principal = {
    username: undefined,
    identity: 'internal:0',
    attributes: {},
    groups: [],
    certificate: undefined,
    expiresAtMs: Number.POSITIVE_INFINITY,
    claims: undefined,
  };
  authorizer.permissions('dunlin-0', alike);
  assert.deepEqual(asked, [alike]);
});

test('its Client Identifier is for nobody outside, even where that has come out', async () => {
  const server = await startServer({ listeners: [{ host: '127.0.0.1', port: 0 }] });
  closing.push(() => server.stop());
  const client = await connectInternally(server.broker);
  closing.unshift(() => client.disconnect());
  const [{ clientId }] = [...server.broker.sessions()];
  const thief = await RawClient.open({ host: '127.0.0.1', port: server.listeners[0].port }, 5);
  thief.sendConnect({ clientId });
  await thief.expectRefusal(0x85);
  assert.equal(client.state, 'connected');
});

test('comes back with its subscriptions where an operator ends its connection', async () => {
  const { broker: made } = await broker();
  const got: string[] = [];
  const client = await connectInternally(made);
  closing.unshift(() => client.disconnect());
  let received = (): void => {};
  await client.subscribe('t', { qos: 1 }, ({ topic }) => {
    got.push(topic);
    received();
  });
  const again = new Promise<void>((resolve) => made.onEvent(({ name }) => name === 'subscribed' && resolve()));
  made.disconnect(() => true);
  await again;
  const message = new Promise<void>((resolve) => {
    received = resolve;
  });
  await made.publish('t', Buffer.from('x'), { qos: 1 });
  await message;
  assert.deepEqual(got, ['t']);
});
