/**
 * The camera with the API of umqtt, as a program of QuecPython or MicroPython has it: at QoS 0, in a clean session. It
 * connects anew by itself, so that each attempt takes the token that counts then.
 *
 *     CAMERA=camera npx node --conditions=@dunlin/source examples/cameras/camera-umqtt.ts [SERVER [PORT]]
 *
 * It runs until SIGINT or SIGTERM.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { MQTTClient, MQTTException } from '@dunlin/umqtt';
import * as sdk from './sdk.ts';
import { wakeUp } from './topics.ts';

const DELAY_MIN_S = 1;
const DELAY_MAX_S = 300;

const [server = 'localhost', port = '1883'] = process.argv.slice(2);
const device_id = sdk.getDeviceId();
const client_id = `${sdk.getPartnerId()}-mcu-${sdk.getSpaceId()}-${device_id}`;
const stop = new AbortController();
let c: MQTTClient | undefined;
let delay_s = DELAY_MIN_S;

function on_message(msg: string): void {
  const read = wakeUp.safeParse(parsed(msg));
  if (!read.success) console.log('Ignored what is no wake-up command');
  else if (read.data.body.deviceId !== device_id)
    console.log(`Ignored a wake-up command for ${read.data.body.deviceId}`);
  else console.log(`Woken by ${read.data.message_id}`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** One connection, from its beginning to its end. */
async function listen(): Promise<never> {
  console.log('connecting');
  c = new MQTTClient(client_id, server, Number(port), {
    user: device_id,
    password: sdk.getAccessToken(),
    keepalive: 60,
    reconn: false,
  });
  c.set_callback((_topic, msg) => on_message(msg.decode()));
  await c.connect();
  await c.subscribe(`device/things/${sdk.getThingName()}/message`);
  delay_s = DELAY_MIN_S;
  console.log('connected\nWaiting for wake-up commands');
  for (;;) await c.wait_msg();
}

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    stop.abort();
    void c?.disconnect();
  });

while (!stop.signal.aborted) {
  try {
    await listen();
  } catch (error) {
    if (!(error instanceof MQTTException)) throw error;
    await c?.close();
    if (stop.signal.aborted) break;
    console.log(`reconnecting ${error.message}\nnext attempt in ${delay_s} s`);
    await sleep(delay_s * 1_000, undefined, { signal: stop.signal }).catch(() => {});
    delay_s = Math.min(delay_s * 2, DELAY_MAX_S);
  }
}
console.log('disconnected');
