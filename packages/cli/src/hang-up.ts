/** A SIGHUP that comes while `dunlin serve` is still being loaded: it asks for a reload, and would end the process. */
import { isatty } from 'node:tty';

/** File descriptors that a terminal may be behind; after it is closed it is none any more. */
const STREAMS = [0, 1, 2] as const;

/** Keeps a SIGHUP for whoever listens for the signal first. One that says that the terminal is gone ends the process. */
export function keepHangUp(): void {
  const terminals = STREAMS.filter((stream) => isatty(stream));
  let hasCome = false;
  const keep = (): void => {
    hasCome = true;
    if (terminals.every((stream) => isatty(stream))) return;
    process.off('SIGHUP', keep);
    process.kill(process.pid, 'SIGHUP');
  };
  const handOver = (event: string | symbol): void => {
    if (event !== 'SIGHUP') return;
    process.off('newListener', handOver);
    // The new listener is there then: without one for a moment the signal would end the process.
    queueMicrotask(() => {
      process.off('SIGHUP', keep);
      if (hasCome) process.emit('SIGHUP', 'SIGHUP');
    });
  };
  process.on('SIGHUP', keep);
  process.on('newListener', handOver);
}
