/** The three QoS levels: what a publish has come to when its promise settles. */

import { connect } from '@dunlin/client';

await using client = await connect('mqtt://localhost:1883');
const received = await client.subscribe(['sensors/#', 'alerts/#', 'commands/#'], { qos: 2 });

// 0, at most once: the bytes have left this process.
await client.publish('sensors/temperature', { value: 22.5 });
// 1, at least once: the server has it; after a broken connection it may come twice.
await client.publish('alerts/critical', { alert: 'High temperature' }, { qos: 1 });
// 2, exactly once.
await client.publish('commands/valve', { action: 'close' }, { qos: 2 });

let left = 3;
for await (const message of received) {
  console.log(message.qos, message.topic, message.json());
  if (--left === 0) break;
}
