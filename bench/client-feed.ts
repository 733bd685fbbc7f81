/** Publishes for the receiver of `npm run bench:client`, no further ahead than it says: `node bench/client-feed.ts PORT QOS`. */
import { connect } from '@dunlin/client';
import type { Level } from './client-libraries.ts';
import { creditMessages, creditTopic, dataTopic } from './client-load.ts';

/** Messages that the receiver may be behind. */
const aheadMax = 2000;

const [port, qos] = process.argv.slice(2).map(Number);
const client = await connect(`mqtt://127.0.0.1:${port}`, { reconnect: false });
const payload = Buffer.alloc(64, 'x');
let ahead = 0;

function feed(): void {
  for (; ahead < aheadMax; ahead++)
    client.publish(dataTopic, payload, { qos: qos as Level }).catch((error) => {
      // The comparison ends this process when the receiver has measured.
      console.error(error);
      process.exit(1);
    });
}

await client.subscribe(creditTopic, () => {
  ahead -= creditMessages;
  feed();
});
feed();
