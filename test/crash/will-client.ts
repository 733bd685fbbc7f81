/** A client without a durable session whose connection ends with the server: its will must go out at the restart. */
import type { Will } from '@dunlin/protocol';
import { CrashClient } from './crash-client.ts';

export const WILL_TOPIC = 'crash/will';

export class WillClient extends CrashClient {
  /** Texts of the wills of connections whose CONNACK came. */
  readonly armed: string[] = [];
  #attempts = 0;

  constructor(options: { port: number; clientId: string }) {
    super({ ...options, sessionExpiryInterval: 0 });
  }

  protected override willFor(): Will {
    // The server may have stored the will of a connection whose CONNACK never came: no two may have one text.
    this.#attempts += 1;
    return { topic: WILL_TOPIC, payload: Buffer.from(this.#text), qos: 2, retain: false, properties: {} };
  }

  protected override greeted(): void {
    this.armed.push(this.#text);
  }

  protected override handle(): void {}

  get #text(): string {
    return `${this.clientId} ${this.#attempts}`;
  }
}
