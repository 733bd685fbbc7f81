/** Which devices are connected now, and by which clients: what presence and commands are told of, in one place. */

/** What the service is told of connections, in the order in which it happened to each. */
export type ConnectionEvent =
  | {
      readonly kind: 'connected';
      readonly deviceId: string;
      readonly clientId: string;
      /** The same in the event of its end, and another one for each connection of a client, such as its address with port. */
      readonly connection: string;
      readonly address: string;
      readonly listener: string;
      /** 3: MQTT 3.1, 4: 3.1.1, 5: 5.0. */
      readonly protocolVersion: number;
    }
  | {
      readonly kind: 'disconnected';
      readonly deviceId: string;
      readonly clientId: string;
      readonly connection: string;
      /** For people. */
      readonly reason: string;
    }
  | { readonly kind: 'subscribed'; readonly deviceId: string; readonly clientId: string };

export type Connected = Extract<ConnectionEvent, { kind: 'connected' }>;
export type ConnectionListener = (event: ConnectionEvent) => void;

/**
 * A device may be connected by several clients at once, where its type asks for no Client Identifier. The end of a
 * connection whose client has another one already changes nothing: it was taken over.
 */
export class Connections {
  /** The clients of each device that is connected, oldest first. */
  readonly #devices = new Map<string, Map<string, Connected>>();
  readonly #listeners = new Set<ConnectionListener>();

  /** Devices that are connected. */
  get size(): number {
    return this.#devices.size;
  }

  /** Connections of a device, oldest first. */
  of(deviceId: string): Iterable<Connected> {
    return this.#devices.get(deviceId)?.values() ?? [];
  }

  isConnected(deviceId: string): boolean {
    return this.#devices.has(deviceId);
  }

  /**
   * Has the listener called for each event that counts, after this list says so, until the returned function is called. It
   * must not throw.
   */
  listen(listener: ConnectionListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  take(event: ConnectionEvent): void {
    if (event.kind === 'connected') this.#add(event);
    else if (event.kind === 'disconnected' && !this.#remove(event)) return;
    for (const listener of this.#listeners) listener(event);
  }

  #add(event: Connected): void {
    const clients = this.#devices.get(event.deviceId) ?? new Map<string, Connected>();
    // The newest last: set() alone would leave a client in its former place.
    clients.delete(event.clientId);
    clients.set(event.clientId, event);
    this.#devices.set(event.deviceId, clients);
  }

  /** False where the connection is none of those that are there. */
  #remove({ deviceId, clientId, connection }: { deviceId: string; clientId: string; connection: string }): boolean {
    const clients = this.#devices.get(deviceId);
    if (clients?.get(clientId)?.connection !== connection) return false;
    clients.delete(clientId);
    if (clients.size === 0) this.#devices.delete(deviceId);
    return true;
  }
}
