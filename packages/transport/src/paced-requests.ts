/**
 * Requests that a client sends without waiting for answers (pipelining) come out of one read of the socket by the thousand, and
 * Node would begin them all in one turn. Here each waits for the answer to the one before, and for its turn among those of
 * all connections; what comes behind an answer that closes the connection is never looked at.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { TurnGate } from './turn-gate.ts';

/** Requests of all connections that begin in one turn, beside the first of what a connection just brought. */
const PER_TURN = 16;
/** Parts of one body that are read in one turn. */
const BODY_PARTS_MAX = 64;
/** Of the head of a request; a part ends with it, and so begins one request at the most. */
const END_OF_HEAD = '\r\n\r\n';
const TAIL_BYTES = END_OF_HEAD.length - 1;

export type RequestTurns = TurnGate<PacedRequests>;

export function newRequestTurns(): RequestTurns {
  const max = Number.POSITIVE_INFINITY;
  // One place for each connection: the limits of the listener are its limits.
  return new TurnGate({ atOnceMax: max, perTurn: PER_TURN, waitingMax: max, begin: (requests) => requests.takeTurn() });
}

/** What comes on a connection of HTTP, given to Node's parser piece by piece. */
export class PacedRequests {
  readonly #socket: Socket;
  readonly #turns: RequestTurns;
  readonly #parse: (bytes: Buffer) => void;
  readonly #take = (bytes: Buffer): void => this.#arrived(bytes);
  readonly #goOn = (): void => this.#askTurn();
  /** Begun and not answered. */
  #open = 0;
  #last: IncomingMessage | undefined;
  #rest: Buffer | undefined;
  /** What was read last, where the end of a head may have begun with it. */
  #tail = '';

  /** Comes between a socket and the server of HTTP, which has just taken it. */
  constructor(socket: Socket, turns: RequestTurns) {
    this.#socket = socket;
    this.#turns = turns;
    const [parse] = socket.listeners('data');
    this.#parse = parse as (bytes: Buffer) => void;
    socket.off('data', this.#parse);
    socket.on('data', this.#take);
    socket.on('drain', this.#goOn);
    socket.on('close', () => this.release());
  }

  /** The head of a request was read. */
  began(request: IncomingMessage, response: ServerResponse): void {
    this.#open += 1;
    this.#last = request;
    response.once('close', () => {
      this.#open -= 1;
      this.#askTurn();
    });
  }

  /** Lets the socket go, which speaks HTTP no longer; returns what was not read. */
  release(): Buffer {
    const rest = this.#rest ?? Buffer.alloc(0);
    this.#rest = undefined;
    this.#turns.leave(this);
    this.#socket.off('data', this.#take);
    this.#socket.off('drain', this.#goOn);
    return rest;
  }

  /** Reads until a request begins. */
  takeTurn(): void {
    for (let part = 0; part < BODY_PARTS_MAX && this.#mayRead(); part += 1) {
      const isBody = this.#isBodyComing;
      this.#read();
      if (!isBody) break;
    }
    if (this.#rest === undefined) this.#socket.resume();
    else this.#askTurn();
  }

  #arrived(bytes: Buffer): void {
    const isFirst = this.#rest === undefined;
    this.#rest = this.#rest === undefined ? bytes : Buffer.concat([this.#rest, bytes]);
    if (!isFirst) return;
    if (this.#mayRead()) this.#read();
    if (this.#rest === undefined) return;
    this.#socket.pause();
    this.#askTurn();
  }

  #askTurn(): void {
    // Whoever is answered for good is not listened to, and what it sent is not kept.
    if (!this.#socket.writable) this.#rest = undefined;
    if (this.#mayRead()) this.#turns.enter(this);
  }

  get #isBodyComing(): boolean {
    return this.#open > 0 && this.#last?.complete === false;
  }

  /**
   * Not while an answer is awaited, unless it may wait for the rest of its request; two can be open where one began with what
   * ended the other. Nor while the client leaves answers unread: Node's parser would stop then, and fail at what comes.
   */
  #mayRead(): boolean {
    if (this.#rest === undefined || !this.#socket.writable || this.#socket.writableNeedDrain) return false;
    return this.#open === 0 || (this.#open === 1 && this.#isBodyComing);
  }

  #read(): void {
    const bytes = this.#rest as Buffer;
    const seam = (this.#tail + bytes.toString('latin1', 0, TAIL_BYTES)).indexOf(END_OF_HEAD);
    const head = seam === -1 ? bytes.indexOf(END_OF_HEAD) : seam - this.#tail.length;
    const end = head === -1 ? bytes.length : head + END_OF_HEAD.length;
    this.#tail = head === -1 ? bytes.toString('latin1', Math.max(0, end - TAIL_BYTES)) : '';
    this.#rest = end === bytes.length ? undefined : bytes.subarray(end);
    this.#parse.call(this.#socket, bytes.subarray(0, end));
  }
}
