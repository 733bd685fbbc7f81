/** A retained message: whoever subscribes later gets the last one at once, until an empty one clears it. */

import { connect } from '@dunlin/client';

await using client = await connect('mqtt://localhost:1883');
await client.publish('config/valve', { position: 'closed' }, { qos: 1, retain: true });

for await (const message of client.subscribe('config/valve')) {
  console.log('retained:', message.retain, message.json());
  break;
}

await client.publish('config/valve', '', { qos: 1, retain: true });
const later = await client.subscribe('config/#', { qos: 1 });
await client.publish('config/done', 'nothing retained any more', { qos: 1 });
for await (const message of later) {
  console.log(message.topic, message.text());
  break;
}
