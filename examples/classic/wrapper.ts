/** The wrapper that everybody writes, in ten lines: credentials, last will, a callback for each topic, JSON, reconnecting. */
import { connect } from '@dunlin/client';

const will = { topic: 'status/hall', payload: 'offline', qos: 1, retain: true } as const;
const client = await connect('mqtt://localhost:1883', { clientId: 'hall', username: 'user', password: 'pass', will });
const online = () => client.publish(will.topic, 'online', { qos: 1, retain: true });
client.on('connected', online);
client.on('state', (state, reason) => console.log(state, reason?.error?.message ?? ''));
await online();
await client.subscribe('sensors/+/temperature', { qos: 1 }, (message) => console.log(message.topic, message.json()));
await client.subscribe('commands/hall', { qos: 2 }, (message) => console.log('command', message.text()));
await client.publish('sensors/room1/temperature', { value: 22.5, unit: 'C' }, { qos: 1 });
