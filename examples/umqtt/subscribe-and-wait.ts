/**
 * The first sample of umqtt's documentation: subscribes, publishes, and waits for the message.
 *
 *     npx node --conditions=@dunlin/source examples/umqtt/subscribe-and-wait.ts [SERVER [PORT]]
 *
 * `npx node` is the Node 24 of this repository, whatever the system has; outside leave out --conditions. What waits for
 * the mobile network there has no counterpart here.
 */
import { MQTTClient } from '@dunlin/umqtt';

const [server = 'localhost', port = '1883'] = process.argv.slice(2);
const topic = '/public/TEST/quecpython';

let state = 0;
const c = new MQTTClient('umqtt_client', server, Number(port));
c.set_callback((topic, msg) => {
  console.log(`Subscribe Recv: Topic=${topic.decode()},Msg=${msg.decode()}`);
  state = 1;
});
await c.connect();
await c.subscribe(topic);
console.log(`Connected to ${server}, subscribed to ${topic}`);
await c.publish(topic, 'my name is Quecpython!');
console.log(`Publish topic: ${topic}, msg: my name is Quecpython!`);

for (;;) {
  await c.wait_msg();
  if (state === 1) break;
}
await c.disconnect();
