/** A client that outlives broken connections and killed servers, as a device with a memory of its own does. */
import { connect, type Socket } from 'node:net';
import { decodePacket, encodePacket, FrameReader, type Packet, type Will } from '@dunlin/protocol';

export interface CrashClientOptions {
  readonly port: number;
  readonly clientId: string;
  readonly will?: Will;
  /** Seconds; the session outlives its connections where it is not 0. */
  readonly sessionExpiryInterval: number;
}

const NEVER_EXPIRES = 0xffffffff;

export { NEVER_EXPIRES };

/** One client; `handle` sees every packet but CONNACK. */
export abstract class CrashClient {
  readonly clientId: string;
  readonly port: number;
  /** CONNACKs with success so far. */
  connects = 0;
  /** CONNACKs that did not know a session that they should have known. */
  sessionsLost = 0;
  protected readonly sessionExpiryInterval: number;
  #socket: Socket | undefined;
  #isGreeted = false;

  constructor({ port, clientId, sessionExpiryInterval }: CrashClientOptions) {
    this.port = port;
    this.clientId = clientId;
    this.sessionExpiryInterval = sessionExpiryInterval;
  }

  get isConnected(): boolean {
    return this.#isGreeted;
  }

  protected abstract handle(packet: Packet): void;
  /** CONNACK came; `sessionPresent`: what was unfinished goes on. */
  protected abstract greeted(sessionPresent: boolean): void;
  /** Asked once for each connection. */
  protected willFor(): Will | undefined {
    return undefined;
  }

  /** Resolves with CONNACK; rejects where the connection ends before it or the server refuses. */
  connect(): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.port, '127.0.0.1');
      const reader = new FrameReader(16 * 1024 * 1024);
      this.#socket = socket;
      socket.setNoDelay(true);
      socket.on('connect', () => {
        const will = this.willFor();
        this.#write(socket, {
          type: 'connect',
          protocolVersion: 5,
          bridge: false,
          clientId: this.clientId,
          cleanStart: this.sessionExpiryInterval === 0,
          keepAlive: 0,
          properties: { sessionExpiryInterval: this.sessionExpiryInterval },
          ...(will !== undefined && { will }),
        });
      });
      socket.on('data', (chunk) => {
        if (this.#socket !== socket) return;
        reader.push(chunk);
        while (reader.next()) {
          const packet = decodePacket(5, 'client', reader.bytes, reader.start, reader.bodyStart, reader.end);
          if (packet.type !== 'connack') this.handle(packet);
          else if (packet.reasonCode !== 0) reject(new Error(`CONNACK with ${packet.reasonCode}`));
          else {
            this.#isGreeted = true;
            if (this.connects > 0 && this.sessionExpiryInterval > 0 && !packet.sessionPresent) this.sessionsLost += 1;
            this.connects += 1;
            this.greeted(packet.sessionPresent);
            resolve();
          }
        }
      });
      // What matters is that the connection is over, not how.
      socket.on('error', () => undefined);
      socket.on('close', () => {
        if (this.#socket === socket) this.drop();
        reject(new Error('the connection ended before CONNACK'));
      });
    });
  }

  /** Ends the connection without DISCONNECT. */
  drop(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#isGreeted = false;
    socket?.destroy();
  }

  protected send(packet: Packet): void {
    if (this.#socket !== undefined) this.#write(this.#socket, packet);
  }

  #write(socket: Socket, packet: Packet): void {
    socket.write(encodePacket(packet, 5));
  }
}
