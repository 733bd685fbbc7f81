/** The strangers, in a process of their own: `load.ts PORT KIND CONNECTIONS`, until it is ended. Sends how many answers came. */
import * as net from 'node:net';
import { setPriority } from 'node:os';
import * as tls from 'node:tls';
import { KINDS, type Kind } from './kinds.ts';

/** What is measured is the server, and not how two programs share a core. */
setPriority(19);
const WRITE_BYTES = 64 * 1024;
const STATUS_LINE = 'HTTP/1.1 ';

const [port, title, connections] = process.argv.slice(2);
const kind = KINDS.find((each) => each.title === title) as Kind;
const { writeBytes = WRITE_BYTES, first = '' } = kind;
const again = Buffer.from(kind.again.repeat(Math.ceil(writeBytes / Math.max(1, kind.again.length))), 'latin1');
let answers = 0;

function connect(): void {
  const place = { host: '127.0.0.1', port: Number(port) };
  const socket = kind.isSecure ? tls.connect({ ...place, rejectUnauthorized: false }) : net.connect(place);
  const send = (): void => {
    while (again.length > 0 && socket.writable && socket.write(again) && writeBytes === WRITE_BYTES);
    if (writeBytes < WRITE_BYTES) setImmediate(send);
  };
  socket.on('error', () => {});
  socket.on(kind.isSecure ? 'secureConnect' : 'connect', () => {
    socket.setNoDelay();
    socket.write(first);
    send();
  });
  socket.on('drain', send);
  socket.on('data', (bytes) => {
    answers += bytes.toString('latin1').split(STATUS_LINE).length - 1;
    if (again.length === 0) socket.end();
  });
  socket.on('close', () => setImmediate(connect));
}

for (let count = 0; count < Number(connections); count += 1) connect();
process.on('message', () => process.send?.(answers));
process.on('disconnect', () => process.exit());
