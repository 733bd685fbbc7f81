/** The servers that Dunlin's client is held against: Dunlin and Mosquitto, each over every transport it has. */

import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import type { ClientOptions } from '@dunlin/client';
import { type ListenerInput, type RunningServer, startServer } from '@dunlin/server';
import { missing } from '../../tools/prerequisites.ts';
import { freePort } from '../free-port.ts';
import { makePki } from '../pki/pki.ts';
import type { Program } from './local-broker.ts';
import { runMosquitto as startMosquitto } from './local-mosquitto.ts';

const SCHEMES = { tcp: 'mqtt', tls: 'mqtts', ws: 'ws', wss: 'wss' } as const;

/** What carries the bytes. */
export type Transport = keyof typeof SCHEMES;

const isSecure = (transport: Transport): boolean => transport === 'tls' || transport === 'wss';

/** A running server that keeps its sessions over a restart. */
export interface RealServer {
  /** Where to connect, and with which options. */
  place(transport: Transport): { readonly url: string; readonly options: ClientOptions };
  /** Stops it in order; settles when nothing listens any more. */
  stop(): Promise<void>;
  /** Starts it again where it was. */
  start(): Promise<void>;
}

/** A kind of server and how to get one, which ends behind the tests of the file. */
export interface ServerKind {
  readonly name: 'Dunlin' | 'Mosquitto';
  readonly skip: string | false;
  readonly transports: readonly Transport[];
  run(): Promise<RealServer>;
}

/** Debian builds Mosquitto without WebSocket. */
export const SERVERS: readonly ServerKind[] = [
  { name: 'Dunlin', skip: false, transports: ['tcp', 'tls', 'ws', 'wss'], run: runDunlin },
  { name: 'Mosquitto', skip: missing('mosquitto'), transports: ['tcp', 'tls'], run: runMosquitto },
];

function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'dunlin-servers-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function placeOf(ports: Readonly<Partial<Record<Transport, number>>>, ca: string): RealServer['place'] {
  return (transport) => ({
    url: `${SCHEMES[transport]}://127.0.0.1:${ports[transport]}`,
    options: isSecure(transport) ? { tls: { ca } } : {},
  });
}

async function runDunlin(): Promise<RealServer> {
  const folder = scratch();
  const pki = makePki(folder);
  const tls = { certificate: pki.path('server.pem'), key: pki.path('server.key') };
  const ports: Partial<Record<Transport, number>> = {};
  const names = Object.keys(SCHEMES) as Transport[];
  let server: RunningServer;
  const start = async (): Promise<void> => {
    const listeners = names.map(
      (transport): ListenerInput => ({
        name: transport,
        transport,
        host: '127.0.0.1',
        port: ports[transport] ?? 0,
        allowAnonymous: true,
        ...(isSecure(transport) && { tls }),
      }),
    );
    server = await startServer({ listeners, data: join(folder, 'data') });
    for (const [index, transport] of names.entries()) ports[transport] = server.listeners[index].port;
  };
  await start();
  const stop = (): Promise<void> => server.stop();
  after(stop);
  return { place: placeOf(ports, pki.text('ca.pem')), start, stop };
}

async function runMosquitto(): Promise<RealServer> {
  const folder = scratch();
  const pki = makePki(folder);
  const ports = { tcp: await freePort(), tls: await freePort() };
  const configuration = join(folder, 'mosquitto.conf');
  const settings = [
    'allow_anonymous true',
    // Its default queue loses messages of QoS 1 when 300 arrive at once.
    'max_queued_messages 0',
    'max_inflight_messages 0',
    'persistence true',
    `persistence_location ${folder}/`,
    // As root it would become another user, who may not write there.
    `user ${process.env.USER ?? 'root'}`,
    `listener ${ports.tcp} 127.0.0.1`,
    `listener ${ports.tls} 127.0.0.1`,
    `certfile ${pki.path('server.pem')}`,
    `keyfile ${pki.path('server.key')}`,
    '',
  ];
  await writeFile(configuration, settings.join('\n'));
  let program: Program;
  const start = async (): Promise<void> => {
    program = await startMosquitto(configuration);
  };
  await start();
  const stop = async (): Promise<void> => {
    program.kill('SIGTERM');
    await program.exited;
  };
  return { place: placeOf(ports, pki.text('ca.pem')), start, stop };
}
