/** Starts Dunlin in this process for the conformance tests, with the policies and limits that they need. */

import { randomBytes } from 'node:crypto';
import {
  AnonymousAuthenticator,
  type AuthenticationRequest,
  type AuthenticationResult,
  type Authenticator,
  type Authorizer,
  Broker,
  type Clock,
  type Limits,
  type Random,
} from '@dunlin/broker';
import { listenTcp } from '@dunlin/transport';
import type { Target, TargetSettings } from './target.ts';

const clock: Clock = {
  nowMs: () => Date.now(),
  every(delayMs, run) {
    const timer = setInterval(run, delayMs).unref();
    return { cancel: () => clearInterval(timer) };
  },
  endOfTurn: (run) => void setImmediate(run),
};
const random: Random = { identifier: () => randomBytes(12).toString('hex') };

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
    if (Buffer.byteLength(connect.clientId) > longest) return { kind: 'refuse', reasonCode: 0x85, reason: 'too long' };
    if (this.#settings.policies !== true) return this.#inner.authenticate(request);
    if (connect.clientId === 'forbidden-id') return { kind: 'refuse', reasonCode: 0x85, reason: 'a forbidden id' };
    if (connect.username === 'bad') return { kind: 'refuse', reasonCode: 0x86, reason: 'a bad user' };
    const accepted = this.#inner.authenticate(request);
    if (connect.properties.authenticationMethod === undefined) return accepted;
    const at = (request.state as number | undefined) ?? 0;
    if (Buffer.from(request.data ?? []).toString() !== STEPS[at].from) {
      return { kind: 'refuse', reasonCode: 0x87, reason: 'a wrong proof' };
    }
    const { ask } = STEPS[at];
    if (ask !== undefined) return { kind: 'challenge', data: Buffer.from(ask), state: at + 1 };
    return accepted.kind === 'accept' ? { ...accepted, data: Buffer.from('done') } : accepted;
  }
}

const authorizer: Authorizer = {
  permissions: () => ({
    mayPublish: (topic) => (topic.startsWith('forbidden/') ? 0x87 : 0),
    maySubscribe: (filter) => (/^(\$share\/[^/]+\/)?forbidden\//.test(filter) ? 0x87 : 0),
  }),
};

function limitsOf(settings: TargetSettings): Partial<Limits> {
  const { maximumPacketSize, receiveMaximum, topicAliasMaximum, connectTimeoutMs, keepAliveMax } = settings;
  const limits = {
    maximumPacketSize,
    receiveMaximum,
    topicAliasMaximum,
    connectTimeoutMs,
    keepAliveMaxS: keepAliveMax,
  };
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));
}

/** A broker on a free loopback port, as the server runs it but with these settings. */
export async function startDunlin(settings: TargetSettings): Promise<Target> {
  const names = [
    'maximumQoS',
    'retainAvailable',
    'wildcardSubscriptionAvailable',
    'subscriptionIdentifierAvailable',
    'sharedSubscriptionAvailable',
    'responseInformation',
  ] as const;
  const chosen = names.filter((name) => settings[name] !== undefined).map((name) => [name, settings[name]]);
  const broker = new Broker({
    clock,
    random,
    authenticator: new TestAuthenticator(settings),
    authorizer: settings.policies === true ? authorizer : undefined,
    limits: limitsOf(settings),
    settings: { sysIntervalS: 1, ...Object.fromEntries(chosen) },
  });
  // A fault of the broker's own must not hide behind the close of one connection.
  broker.onEvent((event) => {
    if (event.name === 'internalError') console.error(`internal error of the broker: ${event.error}`);
  });
  await broker.start();
  const listener = await listenTcp({
    host: '127.0.0.1',
    port: 0,
    accept: (wire) => broker.attach(wire, { name: 'test', versions: [3, 4, 5] }),
    onError: (error) => console.error(error),
  });
  const stop = async (): Promise<void> => {
    await listener.close();
    await broker.stop();
  };
  return { host: '127.0.0.1', port: listener.port, stop };
}
