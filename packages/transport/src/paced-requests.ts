/**
 * Requests that a client sends without waiting for answers (pipelining) come out of one read of the socket by the thousand, and
 * Node would begin them all in one turn. Here each waits for the answer to the one before, and for its turn among those of
 * all connections; what comes behind an answer that closes the connection is never looked at. Node's parser alone says what
 * is a request and what its body: here is only decided how much of what came it gets at a time.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { TurnGate } from './turn-gate.ts';

/** Connections that go on in one turn: each begins a request at the most, beside the first of what it just brought. */
const PER_TURN = 16;
/** Parts that one of them may read: a body in chunks and empty lines come in many. */
const PARTS_PER_TURN = 8;
/** Of a body in chunks, as each chunk may be a single byte and costs as much as a large one. */
const PART_BYTES_MAX = 512;
/** Of the head of a request, and of a body in chunks; a part ends with it, and so begins one request at the most. */
const END_OF_HEAD = '\r\n\r\n';
const TAIL_BYTES = END_OF_HEAD.length - 1;

export type RequestTurns = TurnGate<PacedRequests>;

export function newRequestTurns(): RequestTurns {
  const max = Number.POSITIVE_INFINITY;
  // One place for each connection: the limits of the listener are its limits.
  return new TurnGate({ atOnceMax: max, perTurn: PER_TURN, waitingMax: max, begin: (requests) => requests.takeTurn() });
}

/**
 * What comes on a connection of HTTP, given to Node's parser part by part. While some of it is kept the socket is paused, so
 * that no more is kept than one read brings.
 */
export class PacedRequests {
  readonly #socket: Socket;
  readonly #turns: RequestTurns;
  readonly #parse: (bytes: Buffer) => void;
  readonly #take = (bytes: Buffer): void => this.#arrived(bytes);
  readonly #finish: () => void;
  readonly #ended = (): void => this.#goOnReading();
  readonly #goOn = (): void => this.#askTurn();
  readonly #resumed = (): void => this.#holdBack();
  #isReleased = false;
  /** Begun and not answered. */
  #open = 0;
  #last: IncomingMessage | undefined;
  #answer: ServerResponse | undefined;
  /** Of the body of the last request, where its length was told, as they are still to come. */
  #bodyBytes = 0;
  #rest: Buffer | undefined;
  /** What was read last, where the end of a head may have begun with it. */
  #tail = '';

  /** Comes between a socket and the server of HTTP, which has just taken it. */
  constructor(socket: Socket, turns: RequestTurns) {
    this.#socket = socket;
    this.#turns = turns;
    const [parse, finish] = [socket.listeners('data').at(-1), socket.listeners('end').at(-1)];
    this.#parse = parse as (bytes: Buffer) => void;
    this.#finish = finish as () => void;
    socket.off('data', this.#parse);
    socket.off('end', this.#finish);
    socket.on('data', this.#take);
    socket.on('end', this.#ended);
    socket.on('drain', this.#goOn);
    socket.on('resume', this.#resumed);
    socket.on('close', () => this.release());
  }

  /** The head of a request was read. */
  began(request: IncomingMessage, response: ServerResponse): void {
    this.#open += 1;
    this.#last = request;
    this.#answer = response;
    // The parser has refused what is no number, several that differ, and one beside Transfer-Encoding.
    this.#bodyBytes = Number(request.headers['content-length'] ?? 0);
    response.once('close', () => {
      this.#open -= 1;
      this.#askTurn();
    });
  }

  /** Whether some of an answer is sent, and not all of it. */
  get isAnswerBegun(): boolean {
    return this.#open > 0 && this.#answer?.headersSent === true;
  }

  /** Lets the socket go, which speaks HTTP no longer; returns what was not read. */
  release(): Buffer {
    const rest = this.#rest ?? Buffer.alloc(0);
    this.#rest = undefined;
    this.#isReleased = true;
    this.#turns.leave(this);
    this.#socket.off('data', this.#take);
    this.#socket.off('end', this.#ended);
    this.#socket.off('drain', this.#goOn);
    this.#socket.off('resume', this.#resumed);
    return rest;
  }

  /** Reads until a request begins, and lets more come where nothing is left. */
  takeTurn(): void {
    const before = this.#last;
    for (let part = 0; part < PARTS_PER_TURN && this.#last === before && this.#mayRead(); part += 1) this.#read();
    this.#goOnReading();
  }

  #arrived(bytes: Buffer): void {
    const isFirst = this.#rest === undefined;
    this.#rest = this.#rest === undefined ? bytes : Buffer.concat([this.#rest, bytes]);
    if (isFirst && this.#mayRead()) this.#read();
    if (this.#isReleased) return;
    // One read a turn: whoever sends a body as fast as it can would keep the loop.
    this.#socket.pause();
    if (this.#rest === undefined) this.#turns.enter(this);
    else this.#askTurn();
  }

  #goOnReading(): void {
    if (this.#isReleased) return;
    if (this.#rest !== undefined) this.#holdBack();
    else if (this.#socket.readableEnded) this.#finish.call(this.#socket);
    // Node resumes by itself a socket that it paused, when the body is read.
    else if (!this.#isBodyFull) this.#socket.resume();
  }

  /** Node resumes the socket with every end of a request, and whenever more of a body is asked for. */
  #holdBack(): void {
    if (this.#rest === undefined) return;
    this.#socket.pause();
    this.#askTurn();
  }

  #askTurn(): void {
    if (this.#mayRead()) this.#turns.enter(this);
  }

  get #isBodyComing(): boolean {
    return this.#last?.complete === false;
  }

  /** As Node sees it, which has paused the socket then; it would not resume one whose end has come. */
  get #isBodyFull(): boolean {
    const last = this.#last;
    if (last === undefined || last.complete || this.#socket.readableEnded) return false;
    return last.readableLength >= last.readableHighWaterMark;
  }

  /**
   * Not while an answer is awaited, unless it may wait for the rest of its request; two can be open where one began with what
   * ended the other. Nor while nobody reads the body, or the client leaves answers unread: Node's parser would stop then, and
   * fail at what comes.
   */
  #mayRead(): boolean {
    if (this.#rest === undefined || !this.#socket.writable || this.#socket.writableNeedDrain) return false;
    return !this.#isBodyFull && (this.#open === 0 || (this.#open === 1 && this.#isBodyComing));
  }

  #read(): void {
    const bytes = this.#rest as Buffer;
    const isBody = this.#isBodyComing;
    const isCounted = isBody && this.#bodyBytes > 0;
    const end = isCounted
      ? Math.min(bytes.length, this.#bodyBytes)
      : this.#endOfPart(isBody ? bytes.subarray(0, PART_BYTES_MAX) : bytes);
    if (isCounted) this.#bodyBytes -= end;
    this.#rest = end === bytes.length ? undefined : bytes.subarray(end);
    this.#parse.call(this.#socket, bytes.subarray(0, end));
  }

  #endOfPart(bytes: Buffer): number {
    const seam = (this.#tail + bytes.toString('latin1', 0, TAIL_BYTES)).indexOf(END_OF_HEAD);
    const head = seam === -1 ? bytes.indexOf(END_OF_HEAD) : seam - this.#tail.length;
    const end = head === -1 ? bytes.length : head + END_OF_HEAD.length;
    this.#tail =
      head === -1 ? (this.#tail + bytes.toString('latin1', Math.max(0, end - TAIL_BYTES))).slice(-TAIL_BYTES) : '';
    return end;
  }
}
