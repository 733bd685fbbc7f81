/** Enhanced authentication of one connection: the exchange of AUTH packets (section 4.12). */

import { type AuthPacket, type ConnackPacket, type Properties, protocolError } from '@dunlin/protocol';
import type { Connection } from './connection.ts';
import { MqttError } from './errors.ts';
import type { Settle } from './operation.ts';
import type { Authentication } from './options.ts';

const CONTINUE = 0x18;
const REAUTHENTICATE = 0x19;

/** One authentication on the open connection. */
interface Again {
  readonly data: Uint8Array | undefined;
  readonly settle: Settle<void>;
  isGivenUp: boolean;
}

/** Answers the server's challenges, at connect and again. Its methods throw what the server or the caller does wrong. */
export class Authenticating {
  readonly #method: string;
  readonly #authentication: Authentication | undefined;
  readonly #connection: Connection;
  #isConnecting = true;
  /** The application has not answered yet. */
  #isAsking = false;
  /** Under way, also where nobody waits for it any more: the server will end it. */
  #again: Again | undefined;
  /** Begins behind one that was given up. */
  #next: Again | undefined;

  /** `method`: that of CONNECT. */
  constructor(method: string, authentication: Authentication | undefined, connection: Connection) {
    this.#method = method;
    this.#authentication = authentication;
    this.#connection = connection;
  }

  /** CONNACK 0x00 came, with the Authentication Method of CONNECT. Settles when the application has verified it. */
  async connected({ properties }: ConnackPacket): Promise<void> {
    this.#checkTurn('CONNACK');
    this.#isConnecting = false;
    await this.#verify(properties);
  }

  /** AUTH came: a challenge [MQTT-4.12.0-3], or the end of the authentication that `again` began. */
  received(packet: AuthPacket): void {
    const { reasonCode, properties } = packet;
    if (properties.authenticationMethod !== this.#method) {
      throw protocolError('Cannot accept AUTH: its Authentication Method is not that of CONNECT [MQTT-4.12.0-5]');
    }
    if (!this.#isConnecting && this.#again === undefined) {
      throw protocolError('Cannot accept AUTH: this client has not asked for authentication (4.12.1)');
    }
    this.#checkTurn('AUTH');
    if (this.#isConnecting && reasonCode !== CONTINUE)
      throw protocolError('Cannot accept AUTH 0x00 before CONNACK (4.12)');
    this.#handle(packet);
  }

  /**
   * Begins anew on the open connection [MQTT-4.12.1-1], or as soon as one that was given up is over. The function returned
   * gives it up.
   */
  again(data: Uint8Array | undefined, settle: Settle<void>): () => void {
    if (this.#next !== undefined || this.#again?.isGivenUp === false) {
      throw new MqttError('invalid', 'Cannot authenticate again: the one before is not over');
    }
    const again: Again = { data, settle, isGivenUp: false };
    if (this.#again === undefined) this.#begin(again);
    else this.#next = again;
    return () => {
      again.isGivenUp = true;
      if (this.#next === again) this.#next = undefined;
    };
  }

  /** The connection is over. */
  end(error: MqttError): void {
    this.#again?.settle.reject(error);
    this.#next?.settle.reject(error);
  }

  #begin(again: Again): void {
    this.#send(REAUTHENTICATE, again.data);
    this.#again = again;
  }

  /** Each side waits for the other, so that the application is never asked for two answers at once. */
  #checkTurn(name: string): void {
    if (this.#isAsking) throw protocolError(`Cannot accept ${name} before the answer to the AUTH before it (4.12)`);
  }

  async #handle(packet: AuthPacket): Promise<void> {
    this.#isAsking = true;
    try {
      await (packet.reasonCode === CONTINUE ? this.#answer(packet) : this.#finish(packet));
    } catch (error) {
      this.#connection.owner?.failed(error as Error);
    }
    this.#isAsking = false;
  }

  async #answer(packet: AuthPacket): Promise<void> {
    if (this.#authentication === undefined) {
      throw new MqttError('invalid', 'Cannot answer the server\'s challenge: expected the option "authentication"');
    }
    this.#send(CONTINUE, await this.#authentication.respond(dataOf(packet.properties), packet));
  }

  /** What `verify` throws rejects, by the end of the connection. */
  async #finish({ properties }: AuthPacket): Promise<void> {
    await this.#verify(properties);
    const over = this.#again;
    const next = this.#next;
    this.#again = undefined;
    this.#next = undefined;
    over?.settle.resolve();
    if (next !== undefined) this.#begin(next);
  }

  #verify(properties: Properties): unknown {
    return this.#authentication?.verify?.(dataOf(properties));
  }

  #send(reasonCode: number, data: Uint8Array | undefined): void {
    const properties: Properties = { authenticationMethod: this.#method };
    if (data !== undefined) properties.authenticationData = data;
    this.#connection.send({ type: 'auth', reasonCode, properties });
  }
}

/** Its own bytes, as the answer may take its time. */
function dataOf({ authenticationData: data }: Properties): Uint8Array | undefined {
  return data && new Uint8Array(data);
}
