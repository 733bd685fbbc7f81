/**
 * The second sample of umqtt's documentation: the program itself connects again, with `reconn: false`.
 *
 *     npx node --conditions=@dunlin/source examples/umqtt/external-reconnection.ts [SERVER [PORT]]
 *
 * `npx node` is the Node 24 of this repository, whatever the system has; outside leave out --conditions. It runs until
 * SIGINT or SIGTERM. The state of the mobile network, which the sample asks before it connects, has no counterpart here.
 * The sample's thread is an async function, and its lock the promise of the reconnection under way.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type ErrorCallback, type MessageCallback, MQTTClient, MQTTException } from '@dunlin/umqtt';

/** Waits so long after an attempt that failed. */
const PAUSE_MS = 5000;

class MqttClient {
  readonly #client: MQTTClient;
  readonly #stop = new AbortController();
  #subscribed: { readonly topic: string; readonly qos: 0 | 1 } | undefined;
  #reconnecting: Promise<void> | undefined;

  constructor(clientId: string, server: string, port: number) {
    this.#client = new MQTTClient(clientId, server, port, { reconn: false });
  }

  connect(): Promise<0> {
    return this.#client.connect();
  }

  set_callback(callback: MessageCallback): void {
    this.#client.set_callback(callback);
  }

  error_register_cb(callback: ErrorCallback): void {
    this.#client.error_register_cb(callback);
  }

  async subscribe(topic: string, qos: 0 | 1 = 0): Promise<void> {
    this.#subscribed = { topic, qos };
    await this.#client.subscribe(topic, qos);
  }

  /** The sample passes `qos` in the place of `retain`, so that a QoS 1 became a retained message of QoS 0. */
  publish(topic: string, msg: string, qos: 0 | 1 = 0): Promise<void> {
    return this.#client.publish(topic, msg, { qos });
  }

  disconnect(): Promise<void> {
    this.#stop.abort();
    return this.#client.disconnect();
  }

  /** Connects and subscribes until that has worked. Whoever calls meanwhile waits for the same. */
  reconnect(): Promise<void> {
    this.#reconnecting ??= this.#connectAgain().finally(() => {
      this.#reconnecting = undefined;
    });
    return this.#reconnecting;
  }

  /** Takes messages until `disconnect`. */
  async loop_forever(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        await this.#client.wait_msg();
      } catch (error) {
        if (!(error instanceof MQTTException)) throw error;
        if (this.#client.get_mqttsta() !== 0) await this.reconnect();
      }
    }
  }

  async #connectAgain(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.#client.close();
      try {
        await this.connect();
        if (this.#subscribed !== undefined) await this.#client.subscribe(this.#subscribed.topic, this.#subscribed.qos);
        console.log('Connected again');
        return;
      } catch (error) {
        console.log(String(error));
        await sleep(PAUSE_MS, undefined, { signal }).catch(() => {});
      }
    }
  }
}

const [server = 'localhost', port = '1883'] = process.argv.slice(2);
const topic = '/public/TEST/quecpython758';

const c = new MqttClient('umqtt_client_753', server, Number(port));
c.set_callback((topic, msg) => console.log(`Subscribe Recv: Topic=${topic.decode()},Msg=${msg.decode()}`));
c.error_register_cb((error) => {
  console.log(error.message);
  void c.reconnect();
});
await c.connect();
await c.subscribe(topic);
console.log(`Connected to ${server}, subscribed to ${topic}`);
await c.publish(topic, 'my name is Quecpython!');
console.log(`Publish topic: ${topic}, msg: my name is Quecpython!`);

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void c.disconnect());
await c.loop_forever();
