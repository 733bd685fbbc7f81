/**
 * The measured server, in a process of its own: MQTT, and HTTP with the API, plain and over TLS. Sends its ports, and when it
 * is asked how long its thread was kept by one turn at the most since it was asked before: milliseconds of CPU time, which
 * say the same on a machine that does other things too.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServer } from '@dunlin/server';
import { writeCertificates } from '../locks.ts';
import type { Ports } from './kinds.ts';

const folder = mkdtempSync(join(tmpdir(), 'dunlin-bench-stall-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
process.on('disconnect', () => process.exit());
await writeCertificates(folder);
const tls = { certificate: join(folder, 'server.pem'), key: join(folder, 'server.key') };
const { listeners } = await startServer({
  listeners: [
    { name: 'mqtt', transport: 'tcp', host: '127.0.0.1', port: 0 },
    { name: 'http', transport: 'ws', host: '127.0.0.1', port: 0, api: true },
    { name: 'https', transport: 'wss', host: '127.0.0.1', port: 0, api: true, tls },
  ],
  authentication: [{ method: 'devices' }, { method: 'anonymous' }],
  devices: { types: { lamp: { credential: 'token', claimable: true } } },
});
const ports = Object.fromEntries(listeners.map(({ name, port }) => [name, port]));
process.send?.(ports as unknown as Ports);

let longestMs = 0;
let before = process.threadCpuUsage();
// A turn begins no earlier than the timer before it.
setInterval(() => {
  const { user, system } = process.threadCpuUsage(before);
  longestMs = Math.max(longestMs, (user + system) / 1_000);
  before = process.threadCpuUsage();
}, 1);
process.on('message', () => {
  process.send?.(longestMs);
  longestMs = 0;
});
