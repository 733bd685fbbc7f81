/**
 * The end of a connection of HTTP whose client may still be sending. Closed at once, the system would answer what comes with a
 * reset, and that takes from the client what it has not read: the last answer.
 */
import type { Socket } from 'node:net';
import { type Lingering, startLinger, stopLinger } from './linger.ts';
import { TurnGate } from './turn-gate.ts';

/** Connections that are read once in one turn: whoever sends as fast as it can shall not keep the loop. */
const PER_TURN = 16;

export interface LastAnswersOptions {
  /** How long a client may take to close. Milliseconds. */
  readonly lingerMs: number;
  /** What is read and dropped of one meanwhile. Bytes. */
  readonly droppedBytesMax: number;
}

/** Connections whose last answer is on its way. */
export class LastAnswers {
  readonly #options: LastAnswersOptions;
  readonly #reads: TurnGate<Socket>;

  constructor(options: LastAnswersOptions) {
    this.#options = options;
    const max = Number.POSITIVE_INFINITY;
    this.#reads = new TurnGate({
      atOnceMax: max,
      perTurn: PER_TURN,
      waitingMax: max,
      begin: (socket) => void socket.resume(),
    });
  }

  /**
   * Sends the end, drops what comes, and closes when the client does or a limit is reached. The socket is left to it alone.
   * `sentTooMuch` is told where more came than is dropped; the connection is closed by then.
   */
  end(socket: Socket, sentTooMuch: () => void): void {
    if (socket.destroyed) return;
    const { lingerMs, droppedBytesMax } = this.#options;
    const ending: Lingering = { lingerOver: () => void socket.destroy() };
    let dropped = 0;
    socket.on('data', (bytes: Buffer) => {
      if (socket.destroyed) return;
      dropped += bytes.length;
      socket.pause();
      if (dropped <= droppedBytesMax) {
        this.#reads.enter(socket);
        return;
      }
      socket.destroy();
      sentTooMuch();
    });
    socket.once('close', () => {
      stopLinger(ending);
      this.#reads.leave(socket);
    });
    startLinger(ending, lingerMs);
    socket.end();
    socket.resume();
  }
}
