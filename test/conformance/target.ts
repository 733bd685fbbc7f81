/** Which broker is tested: another one by host and port, or Dunlin started in this process. */

import { readFileSync } from 'node:fs';
import type { Address } from './channel.ts';
import { framing, type Transport, transport } from './transport.ts';

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
  /** The test is about WebSocket: it goes over `ws`, or over `wss` where the run does. */
  webSocket?: true;
}

/** Where the broker is, and how to end it. */
export interface Target extends Address {
  stop: () => Promise<void>;
}

/** True if the broker under test is named from outside, so that settings cannot be had. */
const isForeign = process.env.DUNLIN_TEST_PORT !== undefined;

/** What connections to a target with these settings go over. */
export function transportFor({ webSocket }: TargetSettings): Transport {
  return webSocket === true && transport !== 'wss' ? 'ws' : transport;
}

/** Why there is no target with these settings; undefined where there is one. */
export function missing(settings: TargetSettings): string | undefined {
  if (!isForeign) return undefined;
  const { webSocket: _transport, ...others } = settings;
  if (Object.keys(others).length > 0) return 'needs settings which only Dunlin is given';
  return transportFor(settings) === transport ? undefined : 'needs another transport than the run has';
}

/** Starts or names the broker under test; settles when it accepts connections. */
export async function startTarget(settings: TargetSettings = {}): Promise<Target> {
  const reason = missing(settings);
  if (reason !== undefined) throw new Error(`Cannot start a target: the test ${reason}.`);
  const way = { transport: transportFor(settings), framing };
  if (isForeign) return { ...foreignAddress(), ...way, stop: async () => {} };
  const { startDunlin } = await import('./dunlin.ts');
  return { ...(await startDunlin(settings, way.transport)), ...way };
}

function foreignAddress(): Address {
  const { DUNLIN_TEST_HOST: host = '127.0.0.1', DUNLIN_TEST_PORT: port, DUNLIN_TEST_AUTHORITY: file } = process.env;
  if (transport === 'unix') throw new Error('Cannot test a foreign broker over a Unix socket: a port is expected.');
  return { host, port: Number(port), ...(file !== undefined && { authority: readFileSync(file, 'utf8') }) };
}
