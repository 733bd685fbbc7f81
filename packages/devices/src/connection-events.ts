/** From events of a broker to those of devices: which of them speak of a device, and which connection is which. */
import type { BrokerEvent } from '@dunlin/broker';
import type { DeviceIdentities } from './credentials/device-identity.ts';
import type { ConnectionEvent } from './presence/connections.ts';

export class ConnectionEvents {
  readonly #identities: DeviceIdentities;
  /** The connection of each client that is a device. A broker tells of the end of one before it tells of the next. */
  readonly #current = new Map<string, string>();
  #count = 0;

  constructor(identities: DeviceIdentities) {
    this.#identities = identities;
  }

  /** Undefined where the event says nothing of a connection of a device. */
  read(event: BrokerEvent): ConnectionEvent | undefined {
    if (event.name !== 'clientConnected' && event.name !== 'clientDisconnected' && event.name !== 'subscribed')
      return undefined;
    const device = this.#identities.read(event.identity);
    if (device === undefined) return undefined;
    const { clientId } = event;
    const { deviceId } = device;
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
}
