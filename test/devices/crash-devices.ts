/** What deeds are, and the devices that they are done to: made, and coming in. */
import { once } from 'node:events';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { RawClient } from '../conformance/raw-client.ts';
import type { FleetProcess } from './fleet-process.ts';
import type { Answer } from './fleet-server.ts';

/** What is wrong; undefined: nothing. Asked after every start from then on. */
export type Check = (server: FleetProcess) => Promise<string | undefined>;

/** `id`: one that no other deed has. Undefined: nothing was confirmed, and nothing can be wrong. */
export type Deed = (server: FleetProcess, id: string) => Promise<Check | undefined>;

/** Whether a device comes in with a token. */
export async function comesIn(server: FleetProcess, id: string, password: string): Promise<boolean> {
  const client = await RawClient.open({ host: '127.0.0.1', port: server.port('mqtt') }, 5);
  client.sendConnect({ clientId: id, username: id, password });
  const { code } = await client.expect('connack');
  client.cut();
  return code === 0;
}

/** A client that came in with a certificate, over TLS; undefined where it did not. */
export async function tlsClient(
  server: FleetProcess,
  id: string,
  { chain: cert, key }: Answer['body'],
): Promise<RawClient | undefined> {
  const ca = server.files.pki.text('ca.pem');
  const socket: TLSSocket = connectTls({ host: '127.0.0.1', port: server.port('tls'), ca, cert, key });
  socket.on('error', () => {});
  if (!(await once(socket, 'secureConnect').catch(() => false))) return undefined;
  const client = new RawClient({ stream: socket, cut: () => socket.destroy() }, 5);
  client.sendConnect({ clientId: id, username: id, password: '' });
  const answer = await client.expect('connack').catch(() => undefined);
  if (answer?.code === 0) return client;
  client.cut();
  return undefined;
}

/** Whether it does. */
export async function comesInWith(server: FleetProcess, id: string, issued: Answer['body']): Promise<boolean> {
  const client = await tlsClient(server, id, issued);
  client?.cut();
  return client !== undefined;
}

/** A device and its credential; undefined where the server was gone before it said so. */
export async function made(server: FleetProcess, id: string, type: string, kind: 'tokens' | 'certificates') {
  const added = await server.tryAsk('POST', '/api/v1/devices', { id, type });
  if (added?.status !== 201) return undefined;
  const body = kind === 'tokens' ? {} : { generateKey: true };
  const issued = await server.tryAsk('POST', `/api/v1/devices/${id}/${kind}`, body);
  return issued?.status === 201 ? issued.body : undefined;
}
