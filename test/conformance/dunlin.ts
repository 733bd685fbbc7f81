/** Starts Dunlin in this process for the conformance tests, with the policies and limits that they need. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
import { createAuthority, issueServerCertificate } from '@dunlin/devices';
import { type ListenerInput, startServer } from '@dunlin/server';
import type { Target, TargetSettings } from './target.ts';
import type { Transport } from './transport.ts';

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

interface Place {
  readonly listener: ListenerInput;
  /** What clients must know beside host and port. */
  readonly known: Pick<Target, 'path' | 'authority'>;
  /** Removes the files of the listener. */
  readonly remove: () => void;
}

function placeFor(transport: Transport): Place {
  const loopback = { host: '127.0.0.1', port: 0 };
  if (transport === 'tcp' || transport === 'ws')
    return { listener: { ...loopback, transport }, known: {}, remove: () => {} };
  if (transport === 'proxy')
    return {
      listener: { ...loopback, proxy: { protocol: 'v2', trusted: [loopback.host] } },
      known: {},
      remove: () => {},
    };
  const directory = mkdtempSync(join(tmpdir(), 'dunlin-conformance-'));
  const remove = (): void => rmSync(directory, { recursive: true, force: true });
  const path = join(directory, 'mqtt');
  if (transport === 'unix') return { listener: { transport, path }, known: { path }, remove };
  const { tls, authority } = writeCertificate(directory, loopback.host);
  return { listener: { ...loopback, transport, tls }, known: { authority }, remove };
}

function writeCertificate(directory: string, host: string) {
  const validity = { nowMs: Date.now(), days: 1 };
  const authority = createAuthority({ commonName: 'Conformance', ...validity });
  const issued = issueServerCertificate({ authority, names: [host], ...validity });
  const tls = { certificate: join(directory, 'server.pem'), key: join(directory, 'server.key') };
  writeFileSync(tls.certificate, issued.certificate);
  writeFileSync(tls.key, issued.key, { mode: 0o600 });
  return { tls, authority: authority.certificate };
}

/**
 * A server at a free loopback address of this transport, as `dunlin serve` runs it but with these settings. `stop` rejects if the broker had
 * an internal error, which would otherwise hide behind the close of one connection.
 */
export async function startDunlin(settings: TargetSettings, transport: Transport): Promise<Target> {
  const { listener, known, remove } = placeFor(transport);
  const faults: string[] = [];
  const server = await startServer(
    { listeners: [listener], ...partsOf(settings) },
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
    remove();
    if (faults.length > 0) throw new Error(`the broker had internal errors:\n${faults.join('\n')}`);
  };
  return { host: '127.0.0.1', port: server.listeners[0].port, ...known, stop };
}
