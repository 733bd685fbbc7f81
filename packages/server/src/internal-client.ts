/**
 * Clients of the server itself: ordinary MQTT clients over wires in memory, for whatever in the server wants messages.
 *
 * They come through a listener of their own, which nothing outside leads to. Their Client Identifiers nobody can guess, and
 * their sessions are bound to an identity that nobody else can have. The rules are for others: they may do everything.
 */
import { randomUUID } from 'node:crypto';
import type { Authorizer, Broker, ListenerPolicy, Principal } from '@dunlin/broker';
import type { Client } from '@dunlin/client';
import { memoryPair } from '@dunlin/transport/memory';

/** How long one waits at the most before it comes back, where its connection was ended. */
const RECONNECT_MS_MAX = 1000;
const PEER = { address: 'internal', port: 0 };

/** Known by being this object: no Authenticator of another listener has it. */
const INTERNAL: Principal = {
  username: undefined,
  identity: `internal:${randomUUID()}`,
  attributes: {},
  groups: [],
  certificate: undefined,
  expiresAtMs: Number.POSITIVE_INFINITY,
  claims: undefined,
};

const LISTENER: ListenerPolicy = {
  name: 'internal',
  authenticator: {
    supports: () => false,
    authenticate: () => ({ kind: 'accept', principal: INTERNAL }),
  },
};

/** The authorizer for the broker of clients from `connectInternally`; all others are as `authorizer` says. */
export function permitInternal(authorizer: Authorizer): Authorizer {
  return {
    permissions: (clientId, principal) =>
      principal === INTERNAL ? undefined : authorizer.permissions(clientId, principal),
  };
}

/**
 * Connects a client of the server's own. It comes back by itself, with its subscriptions, where its connection is ended.
 * Settles when it is connected; rejects with an `MqttError` where the broker does not let it in.
 */
export async function connectInternally(broker: Broker): Promise<Client> {
  // Only where it is needed: a server that wants no messages starts without a client.
  const { connect } = await import('@dunlin/client');
  return connect('mqtt://internal', {
    clientId: broker.newClientId(),
    keepAlive: 0,
    // Whatever ended it, an operator who ends all or a review: it is wanted as long as the broker works.
    reconnect: { minMs: 1, maxMs: RECONNECT_MS_MAX, shouldRetry: () => !broker.isDraining },
    dial: async () => {
      const [near, far] = memoryPair(setImmediate, { peers: [PEER, PEER] });
      broker.attach(far, LISTENER);
      return near;
    },
  });
}
