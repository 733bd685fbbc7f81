/** Wildcards: `+` stands for one level, `#` for all that follow. */

import { connect, type ReceivedMessage } from '@dunlin/client';

await using client = await connect('mqtt://localhost:1883');
const shows = (name: string) => (message: ReceivedMessage) => console.log(name, message.topic);
await client.subscribe('sensors/+/temperature', { qos: 1 }, shows('one level: '));
await client.subscribe('home/livingroom/+', { qos: 1 }, shows('livingroom:'));
await client.subscribe('plant/#', { qos: 1 }, shows('all levels:'));

const topics = ['sensors/room1/temperature', 'sensors/room1/temperature/status', 'home/livingroom/light'];
// "#" takes the level above it too.
for (const topic of [...topics, 'plant', 'plant/a/b']) await client.publish(topic, '', { qos: 1 });
