/** Finds out, once in a thread, whether wires on raw handles really carry bytes here: a short talk over loopback. */

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { handlesUsable, wireFromSocket, wiresFromServer } from './tcp-handle.ts';
import type { Wire } from './wire.ts';

const CHECK_TIMEOUT_MS = 2000;
const QUESTION = 'dunlin';
const OWNER = { lingerMs: CHECK_TIMEOUT_MS, wireGone: () => {} };

let result: Promise<boolean> | undefined;

/**
 * True where a connection was accepted, spoken over in both directions and closed in order, all on raw handles. Takes
 * some milliseconds at the first call. Never rejects.
 */
export function handlesWork(): Promise<boolean> {
  result ??= handlesUsable() ? check() : Promise.resolve(false);
  return result;
}

async function check(): Promise<boolean> {
  const server = createServer();
  const wires: Wire[] = [];
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, CHECK_TIMEOUT_MS, false);
  });
  try {
    return await Promise.race([talk(server, wires), timeout]);
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
    for (const wire of wires) wire.destroy();
    server.close();
  }
}

async function talk(server: Server, wires: Wire[]): Promise<boolean> {
  server.listen({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const accepted = wiresFromServer(
    server,
    OWNER,
    (wire) => wires.push(wire) > 0 && echo(wire),
    () => {},
  );
  if (!accepted) return false;
  const socket = connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, allowHalfOpen: true });
  socket.pause();
  await once(socket, 'connect');
  const wire = wireFromSocket(socket, OWNER);
  if (wire === undefined) return false;
  wires.push(wire);
  return ask(wire);
}

/** Answers what comes until the peer closes. */
function echo(wire: Wire): void {
  wire.open({
    received: (chunk) => void wire.write(Buffer.from(chunk)),
    ended: () => wire.close(),
    drained: () => {},
    closed: () => {},
  });
}

/** Sends the question, waits for the same as the answer, closes; true where all of that went as it should. */
function ask(wire: Wire): Promise<boolean> {
  return new Promise((resolve) => {
    let answer = '';
    wire.open({
      received: (chunk) => {
        answer += Buffer.from(chunk).toString('latin1');
        if (answer.length >= QUESTION.length) wire.close();
      },
      ended: () => {},
      drained: () => {},
      closed: (error) => resolve(error === undefined && answer === QUESTION),
    });
    wire.write(Buffer.from(QUESTION));
  });
}
