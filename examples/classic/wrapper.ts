/** The wrapper that everybody writes, in ten lines: credentials, last will, a callback for each topic, JSON, reconnecting. */
import { createClient, type ReceivedMessage } from '@dunlin/client';

const will = { topic: 'status/hall', payload: 'offline', qos: 1, retain: true } as const;
const client = createClient('mqtt://localhost:1883', { clientId: 'hall', username: 'user', password: 'pass', will });
client.on('connected', () => client.publish(will.topic, 'online', { qos: 1, retain: true }).catch(console.error));
client.on('state', (state, reason) => console.log(state, reason?.error?.message ?? ''));
const reading = async (message: ReceivedMessage) => console.log(message.topic, message.json());
await client.connect();
/** What a callback throws ends the program, so a payload that is no JSON is caught here. */
await client.subscribe('sensors/+/temperature', { qos: 1 }, (message) => reading(message).catch(console.error));
await client.subscribe('commands/hall', { qos: 2 }, (message) => console.log('command', message.text()));
await client.publish('sensors/room1/temperature', { value: 22.5, unit: 'C' }, { qos: 1 });
