/**
 * The client's side of a session: packets in, packets and settled operations out.
 *
 * Synchronous and pure: no socket, no clock, no promise. `connecting` until CONNACK 0x00, then `connected`, then
 * `ended` for good. What the server may not send throws `ProtocolError`; the owner of the connection then closes it.
 */

import {
  type AuthPacket,
  type ConnackPacket,
  type ConnectPacket,
  type DisconnectPacket,
  NO_PROPERTIES,
  type Packet,
  PacketIdentifiers,
  type Properties,
  protocolError,
  type SubscriptionRequest,
} from '@dunlin/protocol';
import { describeReason, MqttError, ownWords, reasonCodeOfReturnCode, refused } from './errors.ts';
import { type Outgoing, Publishing, type PublishRequest, type PublishResult } from './publishing.ts';
import { type Delivery, Receiving } from './receiving.ts';
import { type RequestResult, Requests } from './requests.ts';
import { checkPublish, checkSubscription, checkVersion, limitsOf, type ServerLimits } from './server-limits.ts';

/** How an operation came out; one of the two is called, once. */
export interface Settle<Result> {
  resolve(result: Result): void;
  reject(error: Error): void;
}

/** Where packets go. `send` throws where a packet cannot be sent, and then has sent nothing of it. */
export interface PacketSink {
  send(packet: Packet): void;
}

/** What the session tells its owner. */
export interface SessionOwner extends PacketSink {
  /** CONNACK 0x00 came. */
  connected(packet: ConnackPacket): void;
  /** The server refused the connection, or said DISCONNECT: close it. */
  ended(error: MqttError): void;
  /** The server wants the next step of enhanced authentication; `authenticate` is the answer. */
  challenged(packet: AuthPacket): void;
  /** Enhanced authentication succeeded, at connect or again. */
  authenticated(data: Uint8Array | undefined): void;
  /** A message came. */
  delivered(delivery: Delivery): void;
}

const CONTINUE = 0x18;
const REAUTHENTICATE = 0x19;

/** The limits before CONNACK: until then only CONNECT, AUTH and DISCONNECT are sent. */
const NO_LIMITS: ServerLimits = limitsOf({
  type: 'connack',
  sessionPresent: false,
  reasonCode: 0,
  properties: NO_PROPERTIES,
});

/** One session on one connection. */
export class Session {
  state: 'connecting' | 'connected' | 'ended' = 'connecting';
  limits: ServerLimits = NO_LIMITS;
  readonly #owner: SessionOwner;
  readonly #connect: ConnectPacket;
  readonly #publishing: Publishing;
  readonly #receiving: Receiving;
  readonly #requests: Requests;
  #reauthentication: Settle<void> | undefined;

  constructor(owner: SessionOwner, connect: ConnectPacket, publishesMax: number) {
    const identifiers = new PacketIdentifiers();
    const { receiveMaximum = 65_535, topicAliasMaximum = 0 } = connect.properties;
    this.#owner = owner;
    this.#connect = connect;
    this.#publishing = new Publishing(owner, identifiers, publishesMax);
    this.#receiving = new Receiving(owner, { receiveMaximum, topicAliasMaximum }, (delivery) =>
      owner.delivered(delivery),
    );
    this.#requests = new Requests(owner, identifiers);
  }

  /** Sends CONNECT, the first packet [MQTT-3.1.0-1]. */
  begin(): void {
    this.#owner.send(this.#connect);
  }

  /** Handles a packet from the server. Throws `ProtocolError` for one that may not come, or not now. */
  receive(packet: Packet): void {
    if (this.state === 'connecting') this.#receiveFirst(packet);
    else if (this.state === 'connected') this.#receiveNext(packet);
  }

  /** Publishes; see `Publishing.publish`. Throws what the server's limits forbid. */
  publish(request: PublishRequest, settle: Settle<PublishResult>): Outgoing {
    checkPublish(this.limits, this.#connect.protocolVersion, request);
    return this.#publishing.publish(request, settle);
  }

  /** Forgets a publish that was not sent; false where it was. */
  cancel(outgoing: Outgoing): boolean {
    return this.#publishing.cancel(outgoing);
  }

  /** Subscribes. Throws what the server's limits forbid and what cannot be written. */
  subscribe(
    subscriptions: readonly SubscriptionRequest[],
    properties: Properties,
    settle: Settle<RequestResult>,
  ): void {
    for (const request of subscriptions) {
      checkSubscription(this.limits, this.#connect.protocolVersion, request, properties);
    }
    this.#requests.subscribe(subscriptions, properties, settle);
  }

  /** Unsubscribes. Throws what cannot be written. */
  unsubscribe(filters: readonly string[], properties: Properties, settle: Settle<RequestResult>): void {
    checkVersion('Cannot unsubscribe', this.#connect.protocolVersion, properties);
    this.#requests.unsubscribe(filters, properties, settle);
  }

  /** Answers a challenge with AUTH 0x18 [MQTT-4.12.0-3] and the method of CONNECT [MQTT-4.12.0-5]. */
  authenticate(data: Uint8Array | undefined): void {
    this.#sendAuth(CONTINUE, data);
  }

  /** Starts authentication anew on the open connection [MQTT-4.12.1-1]. Throws where CONNECT had no method. */
  reauthenticate(data: Uint8Array | undefined, settle: Settle<void>): void {
    if (this.#connect.properties.authenticationMethod === undefined) {
      const message =
        'Cannot authenticate again: the client connected without an Authentication Method [MQTT-4.12.0-7]';
      throw new MqttError('not-supported', message);
    }
    if (this.#reauthentication !== undefined) {
      throw new MqttError('invalid', 'Cannot authenticate again: the authentication before is not over');
    }
    this.#sendAuth(REAUTHENTICATE, data);
    this.#reauthentication = settle;
  }

  /**
   * Sends DISCONNECT, behind which nothing is sent [MQTT-3.14.4-1]; the caller then closes the connection. Throws what
   * cannot be written.
   */
  disconnect(reasonCode: number, properties: Properties): void {
    checkVersion('Cannot disconnect', this.#connect.protocolVersion, properties);
    const before = this.#connect.properties.sessionExpiryInterval ?? 0;
    if (before === 0 && (properties.sessionExpiryInterval ?? 0) > 0) {
      const message = 'Cannot disconnect with a Session Expiry Interval: CONNECT had 0 or none (3.14.2.2.2)';
      throw new MqttError('invalid', message);
    }
    this.#owner.send({ type: 'disconnect', reasonCode, properties });
  }

  /** The connection is over: every open operation fails with the error. Idempotent. */
  end(error: Error): void {
    if (this.state === 'ended') return;
    this.state = 'ended';
    this.#publishing.end(error);
    this.#requests.end(error);
    this.#reauthentication?.reject(error);
    this.#reauthentication = undefined;
  }

  #receiveNext(packet: Packet): void {
    switch (packet.type) {
      case 'publish':
        this.#receiving.publish(packet);
        break;
      case 'puback':
        this.#publishing.puback(packet);
        break;
      case 'pubrec':
        this.#publishing.pubrec(packet);
        break;
      case 'pubrel':
        this.#receiving.pubrel(packet);
        break;
      case 'pubcomp':
        this.#publishing.pubcomp(packet);
        break;
      case 'suback':
        this.#requests.suback(packet);
        break;
      case 'unsuback':
        this.#requests.unsuback(packet);
        break;
      case 'pingresp':
        break;
      case 'disconnect':
        this.#disconnected(packet);
        break;
      case 'auth':
        this.#auth(packet);
        break;
      default:
        throw protocolError(`Cannot accept ${packet.type.toUpperCase()} on an open connection`);
    }
  }

  #receiveFirst(packet: Packet): void {
    if (packet.type === 'auth') this.#auth(packet);
    else if (packet.type === 'disconnect') this.#disconnected(packet);
    else if (packet.type !== 'connack') {
      throw protocolError(`Cannot accept ${packet.type.toUpperCase()} before CONNACK [MQTT-3.2.0-1]`);
    } else if (packet.reasonCode !== 0) this.#refused(packet);
    else this.#accepted(packet);
  }

  #accepted(packet: ConnackPacket): void {
    this.#checkConnack(packet);
    this.limits = limitsOf(packet);
    this.state = 'connected';
    this.#publishing.begin(this.limits.receiveMaximum);
    this.#receiving.begin(packet.sessionPresent);
    this.#owner.connected(packet);
    if (this.#connect.properties.authenticationMethod !== undefined) {
      this.#owner.authenticated(packet.properties.authenticationData);
    }
  }

  #refused(packet: ConnackPacket): void {
    const isOld = this.#connect.protocolVersion !== 5;
    const reasonCode = isOld ? reasonCodeOfReturnCode(packet.reasonCode) : packet.reasonCode;
    this.#owner.ended(refused('Cannot connect', reasonCode, packet));
  }

  /** What only a client can judge of a CONNACK 0x00. */
  #checkConnack({ sessionPresent, properties }: ConnackPacket): void {
    if (sessionPresent && this.#connect.cleanStart) {
      throw protocolError('Cannot accept CONNACK: Session Present is 1, but this client has no session [MQTT-3.2.2-4]');
    }
    const method = this.#connect.properties.authenticationMethod;
    if (properties.authenticationMethod !== method) throw otherMethod('CONNACK', method);
    if (this.#connect.clientId !== '' && properties.assignedClientIdentifier !== undefined) {
      throw protocolError('Cannot accept CONNACK: it assigns a Client Identifier, though CONNECT had one (3.2.2.3.7)');
    }
  }

  #disconnected(packet: DisconnectPacket): void {
    const { reasonCode, properties } = packet;
    const words = ownWords(reasonCode, packet, properties);
    const message = `The server ended the connection: ${describeReason(reasonCode, packet)}${words}`;
    this.#owner.ended(new MqttError('server-disconnected', message, { reasonCode, packet }));
  }

  #auth(packet: AuthPacket): void {
    const method = this.#connect.properties.authenticationMethod;
    if (method === undefined)
      throw protocolError('Cannot accept AUTH: CONNECT had no Authentication Method [MQTT-4.12.0-6]');
    if (packet.properties.authenticationMethod !== method) throw otherMethod('AUTH', method);
    const isOurs = this.state === 'connecting' || this.#reauthentication !== undefined;
    if (!isOurs) throw protocolError('Cannot accept AUTH: this client has not asked for authentication (4.12.1)');
    if (packet.reasonCode === CONTINUE) {
      this.#owner.challenged(packet);
      return;
    }
    if (this.state === 'connecting') throw protocolError('Cannot accept AUTH 0x00 before CONNACK (4.12)');
    const settle = this.#reauthentication;
    this.#reauthentication = undefined;
    this.#owner.authenticated(packet.properties.authenticationData);
    settle?.resolve();
  }

  #sendAuth(reasonCode: number, data: Uint8Array | undefined): void {
    const properties: Properties = { authenticationMethod: this.#connect.properties.authenticationMethod };
    if (data !== undefined) properties.authenticationData = data;
    this.#owner.send({ type: 'auth', reasonCode, properties });
  }
}

function otherMethod(name: string, method: string | undefined): Error {
  const expected = method === undefined ? 'none' : `"${method}"`;
  return protocolError(
    `Cannot accept ${name}: its Authentication Method is not that of CONNECT (${expected}) [MQTT-4.12.0-5]`,
  );
}
