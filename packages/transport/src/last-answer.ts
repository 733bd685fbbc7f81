/**
 * The end of a connection of HTTP whose client may still be sending. Closed at once, the system would answer what comes with a
 * reset, and that takes from the client what it has not read: the last answer.
 */
import type { Socket } from 'node:net';
import { type Lingering, startLinger, stopLinger } from './linger.ts';

export interface LastAnswerOptions {
  /** How long the client may take to close. Milliseconds. */
  readonly lingerMs: number;
  /** What is read and dropped meanwhile. Bytes. */
  readonly droppedBytesMax: number;
  /** Told where more came; the connection is closed by then. */
  readonly sentTooMuch: () => void;
}

/** Sends the end, drops what comes, and closes when the client does or a limit is reached. The socket is left to it alone. */
export function endAfterAnswer(socket: Socket, options: LastAnswerOptions): void {
  if (socket.destroyed) return;
  const ending: Lingering = { lingerOver: () => void socket.destroy() };
  let dropped = 0;
  socket.on('data', (bytes: Buffer) => {
    dropped += bytes.length;
    if (dropped <= options.droppedBytesMax || socket.destroyed) return;
    socket.destroy();
    options.sentTooMuch();
  });
  socket.once('close', () => stopLinger(ending));
  startLinger(ending, options.lingerMs);
  socket.end();
  socket.resume();
}
