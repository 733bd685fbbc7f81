/** The wrapper that everybody writes, in ten lines: credentials, last will, a callback for each topic, JSON, reconnecting. */
import { createClient, type MessageHandler } from '@dunlin/client';

const will = { topic: 'status/hall', payload: 'offline', qos: 1, retain: true } as const;
const client = createClient('mqtt://localhost:1883', { clientId: 'hall', username: 'user', password: 'pass', will });
client.on('connected', () => client.publish(will.topic, 'online', { qos: 1, retain: true }));
client.on('state', (state, reason) => console.log(state, reason?.error?.message ?? ''));
/** What a callback throws, as for a payload that is no JSON, is printed and ends nothing. */
const safe =
  (call: MessageHandler): MessageHandler =>
  (it) =>
    Promise.resolve(it).then(call).catch(console.error);
await client.connect();
await client.subscribe(
  'sensors/+/temperature',
  { qos: 1 },
  safe((it) => console.log(it.topic, it.json())),
);
await client.subscribe(
  'commands/hall',
  { qos: 2 },
  safe((it) => console.log('command', it.text())),
);
await client.publish('sensors/room1/temperature', { value: 22.5, unit: 'C' }, { qos: 1 });
