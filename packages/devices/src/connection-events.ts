/** From events of a broker to those of devices: which of them speak of a device, and which connection is which. */
import type { BrokerEvent } from '@dunlin/broker';
import type { ConnectionEvent } from './presence/connections.ts';

export class ConnectionEvents {
  readonly #methods = new Set<string>();
  /** The connection of each client that is a device. A broker tells of the end of one before it tells of the next. */
  readonly #current = new Map<string, string>();
  #count = 0;

  /** Clients that this method of authentication lets in are devices. */
  add(method: string): void {
    this.#methods.add(method);
  }

  /** Undefined where the event says nothing of a connection of a device. */
  read(event: BrokerEvent): ConnectionEvent | undefined {
    if (event.name !== 'clientConnected' && event.name !== 'clientDisconnected' && event.name !== 'subscribed')
      return undefined;
    const deviceId = this.#deviceOf(event.identity);
    if (deviceId === undefined) return undefined;
    const { clientId } = event;
    if (event.name === 'subscribed') return { kind: 'subscribed', deviceId, clientId };
    if (event.name === 'clientConnected') {
      const connection = String(++this.#count);
      this.#current.set(clientId, connection);
      const { address, listener, protocolVersion } = event;
      return { kind: 'connected', deviceId, clientId, connection, address, listener, protocolVersion };
    }
    const connection = this.#current.get(clientId) ?? '';
    this.#current.delete(clientId);
    return { kind: 'disconnected', deviceId, clientId, connection, reason: event.reason };
  }

  /** An identity is the name of a method, a colon and the id; the name has none. */
  #deviceOf(identity: string | undefined): string | undefined {
    const end = identity?.indexOf(':') ?? -1;
    return identity !== undefined && this.#methods.has(identity.slice(0, end)) ? identity.slice(end + 1) : undefined;
  }
}
