/** Waits for a socket on its way, whichever comes first: it is there, it fails, the time is over, nobody wants it. */

import type { Socket } from 'node:net';

/**
 * Settles at `event`. Rejects with the socket's error, `{ code: 'ETIMEDOUT' }` or an `Event` of the signal; the socket
 * is then to be destroyed.
 */
export function connected(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: unknown): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', settle);
      socket.off(event, settle);
      socket.off('error', settle);
      if (error === undefined) {
        resolve();
        return;
      }
      // Further errors of the socket which is given up have nobody to tell.
      socket.on('error', () => {});
      reject(error);
    };
    const timer = setTimeout(() => settle({ code: 'ETIMEDOUT' }), timeoutMs);
    signal?.addEventListener('abort', settle);
    socket.on(event, settle);
    socket.on('error', settle);
  });
}
