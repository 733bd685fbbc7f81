/** Starts Dunlin in this process for the conformance tests, with the policies and limits that they need. */

import {
  AnonymousAuthenticator,
  type AuthenticationRequest,
  type AuthenticationResult,
  type Authenticator,
  type Authorizer,
  type Limits,
  PERMIT_ALL,
  type Settings,
} from '@dunlin/broker';
import { startServer } from '@dunlin/server';
import type { Target, TargetSettings } from './target.ts';

/** What the client sends in each step of the Authentication Method `TEST`, and what the server asks after it. */
const STEPS = [
  { from: 'hello', ask: 'one' },
  { from: '1', ask: 'two' },
  { from: '2', ask: undefined },
];

class TestAuthenticator implements Authenticator {
  readonly #inner = new AnonymousAuthenticator();
  readonly #settings: TargetSettings;

  constructor(settings: TargetSettings) {
    this.#settings = settings;
  }

  supports(method: string): boolean {
    return this.#settings.policies === true && method === 'TEST';
  }

  authenticate(request: AuthenticationRequest): AuthenticationResult {
    const { connect } = request;
    const longest = this.#settings.clientIdBytesMax ?? 65_535;
    if (Buffer.byteLength(connect.clientId) > longest)
      return { kind: 'refuse', reasonCode: 0x85, check: 'client-id', reason: 'too long' };
    if (this.#settings.policies !== true) return this.#inner.authenticate(request);
    if (connect.clientId === 'forbidden-id')
      return { kind: 'refuse', reasonCode: 0x85, check: 'client-id', reason: 'a forbidden id' };
    if (connect.username === 'bad') return { kind: 'refuse', reasonCode: 0x86, check: 'user', reason: 'a bad user' };
    const accepted = this.#inner.authenticate(request);
    if (connect.properties.authenticationMethod === undefined) return accepted;
    const at = (request.state as number | undefined) ?? 0;
    if (Buffer.from(request.data ?? []).toString() !== STEPS[at].from) {
      return { kind: 'refuse', reasonCode: 0x87, check: 'proof', reason: 'a wrong proof' };
    }
    const { ask } = STEPS[at];
    if (ask !== undefined) return { kind: 'challenge', data: Buffer.from(ask), state: at + 1 };
    return accepted.kind === 'accept' ? { ...accepted, data: Buffer.from('done') } : accepted;
  }
}

const authorizer: Authorizer = {
  permissions: () => ({
    ...PERMIT_ALL,
    mayPublish: (topic) => (topic.startsWith('forbidden/') ? 0x87 : 0),
    mayLeaveWill: (topic) => (topic.startsWith('forbidden/') ? 0x87 : 0),
    maySubscribe: (filter) => (filter.startsWith('forbidden/') ? 0x87 : 2),
  }),
};

/** The settings that are given, under the names that the server knows. */
function partsOf(given: TargetSettings): { limits: Partial<Limits>; settings: Partial<Settings> } {
  const defined = <Values extends object>(values: Values): Partial<Values> =>
    Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<Values>;
  const { maximumPacketSize, receiveMaximum, topicAliasMaximum, connectTimeoutMs, keepAliveMax } = given;
  const { maximumQoS, retainAvailable, responseInformation } = given;
  const { wildcardSubscriptionAvailable, subscriptionIdentifierAvailable, sharedSubscriptionAvailable } = given;
  return {
    limits: defined({
      maximumPacketSize,
      receiveMaximum,
      topicAliasMaximum,
      connectTimeoutMs,
      keepAliveMaxS: keepAliveMax,
      connectionsMax: given.connectionsMax,
      queueMessagesMax: given.queueMessagesMax,
    }) as Partial<Limits>,
    settings: defined({
      maximumQoS,
      retainAvailable,
      responseInformation,
      wildcardSubscriptionAvailable,
      subscriptionIdentifierAvailable,
      sharedSubscriptionAvailable,
      queueFull: given.queueFull,
      sysIntervalS: 1,
    }),
  };
}

/**
 * A server on a free loopback port, as `dunlin serve` runs it but with these settings. `stop` rejects if the broker had
 * an internal error, which would otherwise hide behind the close of one connection.
 */
export async function startDunlin(settings: TargetSettings): Promise<Target> {
  const faults: string[] = [];
  const server = await startServer(
    { listeners: [{ host: '127.0.0.1', port: 0 }], ...partsOf(settings) },
    {
      authenticator: new TestAuthenticator(settings),
      ...(settings.policies === true && { authorizer }),
      onEvent: (event) => {
        if (event.name === 'internalError') faults.push(event.error);
      },
    },
  );
  const stop = async (): Promise<void> => {
    await server.stop();
    if (faults.length > 0) throw new Error(`the broker had internal errors:\n${faults.join('\n')}`);
  };
  return { host: '127.0.0.1', port: server.listeners[0].port, stop };
}
