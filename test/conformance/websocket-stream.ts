/** The client's side of a WebSocket (RFC 6455) as a stream of bytes, strict with what a server may send. */

import { createHash, randomBytes } from 'node:crypto';
import { Duplex } from 'node:stream';
import { ServerFault } from './parser.ts';
import type { Framing } from './transport.ts';

export const CONTINUATION = 0;
export const TEXT = 1;
export const BINARY = 2;
const CLOSE = 8;
export const PING = 9;
const PONG = 10;

const NORMAL = 1000;
const FINAL = 0x80;
const MASKED = 0x80;
const CONTROL_BYTES_MAX = 125;
const SERVER_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** What a client asks for. */
export interface UpgradeRequest {
  readonly host: string;
  /** Offered subprotocols. Default `mqtt`. */
  readonly subprotocols?: readonly string[];
}

export interface UpgradeAnswer {
  readonly status: number;
  /** By name in lower case. */
  readonly headers: ReadonlyMap<string, string>;
}

/** Asks for a WebSocket at `/mqtt`. Settles with the answer, whatever it is; bytes behind its head stay in the stream. */
export async function upgrade(carrier: Duplex, request: UpgradeRequest): Promise<UpgradeAnswer> {
  const { host, subprotocols = ['mqtt'] } = request;
  const key = randomBytes(16).toString('base64');
  const offer = subprotocols.length > 0 ? [`Sec-WebSocket-Protocol: ${subprotocols.join(', ')}`] : [];
  const lines = ['GET /mqtt HTTP/1.1', `Host: ${host}`, 'Connection: Upgrade', 'Upgrade: websocket', ...offer];
  carrier.write([...lines, 'Sec-WebSocket-Version: 13', `Sec-WebSocket-Key: ${key}`, '', ''].join('\r\n'));
  const [statusLine, ...rest] = (await readHead(carrier)).split('\r\n');
  const headers = new Map(
    rest.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  );
  const status = Number(statusLine.split(' ')[1]);
  const proof = createHash('sha1').update(`${key}${SERVER_GUID}`).digest('base64');
  if (status === 101 && headers.get('sec-websocket-accept') !== proof)
    throw new ServerFault('Sec-WebSocket-Accept does not answer the key', Buffer.from(statusLine));
  return { status, headers };
}

function readHead(carrier: Duplex): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let read: Buffer = Buffer.alloc(0);
  const stop = (): void => {
    carrier.off('data', onData).off('error', onError).off('end', onEnd).pause();
  };
  const onError = (error: Error): void => {
    stop();
    reject(error);
  };
  const onEnd = (): void => onError(new Error('the server closed the connection before it answered the upgrade'));
  const onData = (chunk: Buffer): void => {
    read = Buffer.concat([read, chunk]);
    const end = read.indexOf('\r\n\r\n');
    if (end < 0) return;
    stop();
    if (read.length > end + 4) carrier.unshift(read.subarray(end + 4));
    resolve(read.toString('latin1', 0, end));
  };
  carrier.on('data', onData).on('error', onError).on('end', onEnd);
  return promise;
}

export class WebSocketStream extends Duplex {
  /** Payloads of the pongs that have come. */
  readonly pongs: Buffer[] = [];
  readonly #carrier: Duplex;
  readonly #framing: Framing;
  #buffer: Buffer = Buffer.alloc(0);
  #isInMessage = false;
  #isCloseSent = false;
  #isOver = false;
  /** What `joined` holds until the end of the turn. */
  #held: Buffer[] = [];
  #writes = 0;

  private constructor(carrier: Duplex, framing: Framing) {
    super();
    this.#carrier = carrier;
    this.#framing = framing;
    carrier.on('data', (chunk) => this.#receive(chunk as Buffer));
    carrier.on('end', () => {
      this.#finish();
      carrier.end();
    });
    carrier.on('error', (error) => this.destroy(error));
    carrier.on('close', () => this.#finish());
    carrier.resume();
  }

  /** Settles when the server has agreed to speak MQTT. */
  static async open(carrier: Duplex, host: string, framing: Framing = 'whole'): Promise<WebSocketStream> {
    try {
      const { status, headers } = await upgrade(carrier, { host });
      if (status !== 101) throw new Error(`the server answered the upgrade with ${status}`);
      const subprotocol = headers.get('sec-websocket-protocol');
      if (subprotocol !== 'mqtt')
        throw new ServerFault(`subprotocol ${subprotocol}, not mqtt [MQTT-6.0.0-4]`, Buffer.alloc(0));
    } catch (error) {
      carrier.destroy();
      throw error;
    }
    return new WebSocketStream(carrier, framing);
  }

  /** Sends one frame as it is told, right or wrong. */
  sendFrame(opcode: number, payload: Uint8Array = Buffer.alloc(0), isFinal = true): void {
    const { length } = payload;
    const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
    head[0] = (isFinal ? FINAL : 0) | opcode;
    if (head.length === 2) head[1] = MASKED | length;
    else if (head.length === 4) {
      head[1] = MASKED | 126;
      head.writeUInt16BE(length, 2);
    } else {
      head[1] = MASKED | 127;
      head.writeBigUInt64BE(BigInt(length), 2);
    }
    const mask = randomBytes(4);
    this.#carrier.write(Buffer.concat([head, mask, payload.map((byte, at) => byte ^ mask[at & 3])]));
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#writes += 1;
    if (this.#framing === 'joined') this.#hold(chunk);
    else if (this.#framing === 'split' && chunk.length > 1) this.#sendSplit(chunk);
    else this.sendFrame(BINARY, chunk);
    done();
  }

  /** There is no half of a WebSocket: its end asks the server to close too. */
  override _final(done: () => void): void {
    this.#sendHeld();
    this.#sendClose(NORMAL);
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#carrier.destroy();
    done(error);
  }

  #hold(chunk: Buffer): void {
    if (this.#held.length === 0) setImmediate(() => this.#sendHeld());
    this.#held.push(chunk);
  }

  #sendHeld(): void {
    if (this.#held.length > 0) this.sendFrame(BINARY, Buffer.concat(this.#held.splice(0)));
  }

  #sendSplit(chunk: Buffer): void {
    const middle = chunk.length >> 1;
    const isOneMessage = this.#writes % 2 === 0;
    this.sendFrame(BINARY, chunk.subarray(0, middle), !isOneMessage);
    this.sendFrame(isOneMessage ? CONTINUATION : BINARY, chunk.subarray(middle));
  }

  #sendClose(code: number): void {
    if (this.#isCloseSent) return;
    this.#isCloseSent = true;
    this.sendFrame(CLOSE, Buffer.from([code >> 8, code & 0xff]));
  }

  #receive(chunk: Buffer): void {
    this.#buffer = Buffer.concat([this.#buffer, chunk]);
    try {
      while (this.#takeFrame());
    } catch (error) {
      this.destroy(error as Error);
    }
  }

  /** False: the next frame is not complete. */
  #takeFrame(): boolean {
    const bytes = this.#buffer;
    if (bytes.length < 2 || this.#isOver) return false;
    const short = bytes[1] & 0x7f;
    const start = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (bytes.length < start) return false;
    const length = start === 2 ? short : start === 4 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
    if ((bytes[0] & 0x70) !== 0) throw new ServerFault('a reserved bit of a frame is set', bytes);
    if ((bytes[1] & MASKED) !== 0) throw new ServerFault('a frame of the server is masked', bytes);
    if (bytes.length < start + length) return false;
    this.#buffer = bytes.subarray(start + length);
    this.#handle(bytes[0] & 0x0f, (bytes[0] & FINAL) !== 0, bytes.subarray(start, start + length));
    return true;
  }

  #handle(opcode: number, isFinal: boolean, payload: Buffer): void {
    if (opcode >= CLOSE) {
      if (!isFinal || payload.length > CONTROL_BYTES_MAX) throw new ServerFault('a control frame is too long', payload);
      this.#handleControl(opcode, payload);
      return;
    }
    if (opcode !== (this.#isInMessage ? CONTINUATION : BINARY))
      throw new ServerFault(`a data frame has opcode ${opcode}, not binary [MQTT-6.0.0-1]`, payload);
    this.#isInMessage = !isFinal;
    if (payload.length > 0) this.push(payload);
  }

  #handleControl(opcode: number, payload: Buffer): void {
    if (opcode === PING) this.sendFrame(PONG, payload);
    else if (opcode === PONG) this.pongs.push(Buffer.from(payload));
    else if (opcode === CLOSE) {
      this.#sendClose(payload.length >= 2 ? payload.readUInt16BE(0) : NORMAL);
      this.#finish();
    } else throw new ServerFault(`opcode ${opcode} is no control frame`, payload);
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.push(null);
  }
}
