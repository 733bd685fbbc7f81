/** Which broker is tested: another one by host and port, or Dunlin started in this process. */

import type { Address } from './raw-client.ts';

/** What a test may need of the broker; everything absent is as Dunlin's defaults are. */
export interface TargetSettings {
  maximumQoS?: 0 | 1;
  retainAvailable?: boolean;
  wildcardSubscriptionAvailable?: boolean;
  subscriptionIdentifierAvailable?: boolean;
  sharedSubscriptionAvailable?: boolean;
  /** Bytes. */
  maximumPacketSize?: number;
  receiveMaximum?: number;
  topicAliasMaximum?: number;
  /** Milliseconds a connection may take to send its CONNECT. */
  connectTimeoutMs?: number;
  /** Seconds: a client asking for more, or for none, gets Server Keep Alive. */
  keepAliveMax?: number;
  /** Bytes of a Client Identifier. */
  clientIdBytesMax?: number;
  responseInformation?: string;
  connectionsMax?: number;
  /** QoS 1 and 2 messages waiting for one session, and what happens to the next one (the new one is dropped). */
  queueMessagesMax?: number;
  queueFull?: 'drop-new' | 'drop-oldest';
  /**
   * Policies of the tests, all three together: the user `bad` is refused; publishing to and subscribing to
   * `forbidden/#` is not authorized; the client identifier `forbidden-id` is refused; the Authentication Method
   * `TEST` is served: the first data is `hello`, the server asks `one`, the client answers `1`, the server asks
   * `two`, the client answers `2`, and the final data is `done`. Any other answer is refused.
   */
  policies?: boolean;
}

export interface Target extends Address {
  stop: () => Promise<void>;
}

/** True if the broker under test is named from outside, so that settings cannot be had. */
export const isForeign = process.env.DUNLIN_TEST_PORT !== undefined;

/** Starts or names the broker under test; settles when it accepts connections. */
export async function startTarget(settings: TargetSettings = {}): Promise<Target> {
  if (isForeign) {
    if (Object.keys(settings).length > 0) throw new Error('a foreign broker takes no settings');
    const host = process.env.DUNLIN_TEST_HOST ?? '127.0.0.1';
    return { host, port: Number(process.env.DUNLIN_TEST_PORT), stop: async () => {} };
  }
  const { startDunlin } = await import('./dunlin.ts');
  return startDunlin(settings);
}
