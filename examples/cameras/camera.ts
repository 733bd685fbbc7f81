/**
 * A camera: keeps a connection while the rest of it sleeps, and wakes up when it is told to.
 *
 *     CAMERA=camera npx node --conditions=@dunlin/source examples/cameras/camera.ts [URL [CA]]
 *
 * URL is `mqtt://localhost:1883` by default; for `mqtts:` CA is the file of the authority to trust. It runs until SIGINT or
 * SIGTERM. Who it is comes from `sdk.ts`.
 */
import { createClient, tlsFiles } from '@dunlin/client/node';
import * as sdk from './sdk.ts';
import { MESSAGE_TOPIC, topics } from './topics.ts';

const [url = 'mqtt://localhost:1883', ca] = process.argv.slice(2);
const deviceId = sdk.getDeviceId();

const client = createClient(url, {
  clientId: `${sdk.getPartnerId()}-mcu-${sdk.getSpaceId()}-${deviceId}`,
  username: deviceId,
  password: sdk.getAccessToken,
  ...(ca !== undefined && { tls: tlsFiles({ ca }) }),
  keepAlive: 60,
  pingTimeoutMs: 10_000,
  connectAttempts: Infinity,
  reconnect: { minMs: 1_000, maxMs: 300_000 },
  on: {
    state: (state, reason) => console.log([state, reason?.error?.message].filter(Boolean).join(' ')),
    reconnecting: ({ delayMs }) => console.log(`next attempt in ${Math.ceil(delayMs / 1_000)} s`),
  },
});

const typed = topics.with(client, {
  invalid: (_message, error) => console.log(`Ignored what is no wake-up command: ${error.message}`),
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void client.disconnect());

try {
  await client.connect();
  // At QoS 1 the server learns that the command has come.
  await typed.subscribe(MESSAGE_TOPIC, { thing: sdk.getThingName() }, { qos: 1 }, ({ value }) => {
    if (value.body.deviceId !== deviceId) console.log(`Ignored a wake-up command for ${value.body.deviceId}`);
    // One that comes twice wakes what is awake.
    else console.log(`Woken by ${value.message_id}`);
  });
  console.log('Waiting for wake-up commands');
  await client.closed;
} catch (error) {
  console.error(String(error));
  process.exitCode = 1;
}
