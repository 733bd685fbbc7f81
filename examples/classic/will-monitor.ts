/** Watches who is online: each client sets its status and leaves a will, which the server publishes when it is lost. */

import { connect } from '@dunlin/client';

await using monitor = await connect('mqtt://localhost:1883');
const statuses = await monitor.subscribe('status/+', { qos: 1 });

const device = await connect('mqtt://localhost:1883', {
  will: { topic: 'status/device', payload: 'offline', qos: 1, retain: true },
});
await device.publish('status/device', 'online', { qos: 1, retain: true });

for await (const message of statuses) {
  console.log('Client status:', message.text(), 'on', message.topic);
  if (message.text() === 'offline') break;
  // 0x04: goodbye, and publish my will, as the server does by itself when a connection breaks.
  await device.disconnect({ reasonCode: 0x04 });
}
