/**
 * What is done to a fleet while its server may be killed. Each deed settles with what has to hold from then on: after it
 * was answered all of it, after a crash in the middle of it nothing that contradicts itself.
 */

import { once } from 'node:events';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { RawClient } from '../conformance/raw-client.ts';
import type { FleetProcess } from './fleet-process.ts';
import { type Answer, camera, cameraConnect } from './fleet-server.ts';

/** What is wrong; undefined: nothing. Asked after every start from then on. */
export type Check = (server: FleetProcess) => Promise<string | undefined>;

/** `id`: one that no other deed has. Undefined: nothing was confirmed, and nothing can be wrong. */
export type Deed = (server: FleetProcess, id: string) => Promise<Check | undefined>;

const IMPORTED = 40;

/** Whether a device comes in with a token. */
async function comesIn(server: FleetProcess, id: string, password: string): Promise<boolean> {
  const client = await RawClient.open({ host: '127.0.0.1', port: server.port('mqtt') }, 5);
  client.sendConnect({ clientId: id, username: id, password });
  const { code } = await client.expect('connack');
  client.cut();
  return code === 0;
}

/** The same with a certificate, over TLS. */
async function comesInWith(server: FleetProcess, id: string, { chain: cert, key }: Answer['body']): Promise<boolean> {
  const ca = server.files.pki.text('ca.pem');
  const socket: TLSSocket = connectTls({ host: '127.0.0.1', port: server.port('tls'), ca, cert, key });
  socket.on('error', () => {});
  if (!(await once(socket, 'secureConnect').catch(() => false))) return false;
  const client = new RawClient({ stream: socket, cut: () => socket.destroy() }, 5);
  client.sendConnect({ clientId: id, username: id, password: '' });
  const answer = await client.expect('connack').catch(() => undefined);
  client.cut();
  return answer?.code === 0;
}

/** A device and its credential; undefined where the server was gone before it said so. */
async function made(server: FleetProcess, id: string, type: string, kind: 'tokens' | 'certificates') {
  const added = await server.tryAsk('POST', '/api/v1/devices', { id, type });
  if (added?.status !== 201) return undefined;
  const body = kind === 'tokens' ? {} : { generateKey: true };
  const issued = await server.tryAsk('POST', `/api/v1/devices/${id}/${kind}`, body);
  return issued?.status === 201 ? issued.body : undefined;
}

const issuesToken: Deed = async (server, id) => {
  const issued = await made(server, id, 'sensor', 'tokens');
  if (issued === undefined) return undefined;
  return async (now) => ((await comesIn(now, id, issued.token)) ? undefined : `the token of ${id} is lost`);
};

const issuesCertificate: Deed = async (server, id) => {
  const issued = await made(server, id, 'player', 'certificates');
  if (issued === undefined) return undefined;
  return async (now) => ((await comesInWith(now, id, issued)) ? undefined : `the certificate of ${id} is lost`);
};

const revokes: Deed = async (server, id) => {
  const issued = await made(server, id, 'player', 'certificates');
  if (issued === undefined) return undefined;
  const answer = await server.tryAsk('POST', `/api/v1/certificates/${issued.serial}/revoke`, {});
  let isRevoked = answer?.status === 200;
  return async (now) => {
    const { items } = await now.done('GET', `/api/v1/devices/${id}/certificates`);
    const isShown = items[0].revokedAtMs !== undefined;
    if (isRevoked && !isShown) return `the revocation of ${id} came back`;
    isRevoked = isShown;
    const isIn = await comesInWith(now, id, issued);
    return isIn === isRevoked
      ? `the certificate of ${id} is ${isRevoked ? '' : 'not '}revoked, and it ${isIn ? 'comes' : 'does not come'} in`
      : undefined;
  };
};

const rotates: Deed = async (server, id) => {
  const first = await made(server, id, 'sensor', 'tokens');
  if (first === undefined) return undefined;
  const next = await server.tryAsk('POST', `/api/v1/devices/${id}/tokens/rotate`, { overlapS: 86_400 });
  const last = next && (await server.tryAsk('POST', `/api/v1/devices/${id}/tokens/rotate`, { overlapS: 0 }));
  return async (now) => {
    const opened = await Promise.all(
      [first, next?.body, last?.body].map((token) => token !== undefined && comesIn(now, id, token.token)),
    );
    if (last !== undefined && (opened[0] || opened[1])) return `a token of ${id} that was rotated out counts again`;
    if (last !== undefined && !opened[2]) return `the token of ${id} that was given last is lost`;
    // The server ended within the last step: that may have been done, and then for both.
    if (last === undefined && next !== undefined && opened[0] !== opened[1]) return `half of ${id} was rotated`;
    return next === undefined && !opened[0] ? `the first token of ${id} is lost` : undefined;
  };
};

const removes: Deed = async (server, id) => {
  const issued = await made(server, id, 'sensor', 'tokens');
  if (issued === undefined) return undefined;
  let isRemoved = (await server.tryAsk('DELETE', `/api/v1/devices/${id}`))?.status === 204;
  return async (now) => {
    const isGone = (await now.tryAsk('GET', `/api/v1/devices/${id}`))?.status === 404;
    if (isRemoved && !isGone) return `the device ${id} came back`;
    isRemoved = isGone;
    return (await comesIn(now, id, issued.token)) === isRemoved
      ? `${id} was removed and not its token, or the other way`
      : undefined;
  };
};

const imports: Deed = async (server, id) => {
  const tokenOf = (index: number): string => `${id}-${index}`.padEnd(40, 't');
  const lines = Array.from({ length: IMPORTED }, (_, index) =>
    JSON.stringify({ id: `${id}-${index}`, type: 'sensor', token: tokenOf(index) }),
  );
  const type = { 'content-type': 'application/x-ndjson' };
  const send = (to: FleetProcess) => to.tryAsk('POST', '/api/v1/devices/import', lines.join('\n'), type);
  let isDone = (await send(server)) !== undefined;
  return async (now) => {
    // What was imported in part is imported by the same again; what was imported is left alone.
    const report = (await send(now))?.body;
    if (report?.faulty !== 0) return `the import ${id} cannot be repeated: ${JSON.stringify(report)}`;
    if (isDone && report.unchanged !== IMPORTED) return `the import ${id} was lost in part: ${JSON.stringify(report)}`;
    isDone = true;
    for (const index of [0, IMPORTED - 1]) {
      const { items } = await now.done('GET', `/api/v1/devices/${id}-${index}/tokens`);
      if (items.length !== 1) return `${id}-${index} has ${items.length} tokens`;
      if (!(await comesIn(now, `${id}-${index}`, tokenOf(index)))) return `the token of ${id}-${index} does not count`;
    }
    return undefined;
  };
};

const repeats: Deed = async (server, id) => {
  const key = { 'idempotency-key': id };
  const send = (to: FleetProcess) => to.tryAsk('POST', '/api/v1/devices', { id, type: 'sensor' }, key);
  const first = await send(server);
  if (first === undefined) return undefined;
  return async (now) => {
    const again = await send(now);
    return again?.status === 201 && again.headers['idempotency-replayed'] === 'true'
      ? undefined
      : `${id} was not remembered`;
  };
};

/** All but commands. */
export const DEEDS: Readonly<Record<string, Deed>> = {
  issuesToken,
  issuesCertificate,
  revokes,
  rotates,
  removes,
  imports,
  repeats,
};

/** Commands to one camera that is away until `deliver`. */
export class CameraCommands {
  readonly #id: string;
  readonly #token: string;
  /** Ids of those that the API called queued. */
  readonly queued: string[] = [];
  #asked = 0;

  private constructor(id: string, token: string) {
    this.#id = id;
    this.#token = token;
  }

  static async make(server: FleetProcess, id: string): Promise<CameraCommands> {
    await server.done('POST', '/api/v1/devices', camera(id));
    return new CameraCommands(id, (await server.done('POST', `/api/v1/devices/${id}/tokens`, {})).token);
  }

  /** False where the server is gone, and where the camera has as many as it may have. */
  async request(server: FleetProcess): Promise<boolean> {
    if (this.#asked >= COMMANDS_MAX) return false;
    const id = `${this.#id}-wake-${this.#asked++}`;
    const answer = await server.tryAsk('POST', `/api/v1/devices/${this.#id}/commands/wake`, { id });
    if (answer?.status !== 202) return false;
    this.queued.push(id);
    return true;
  }

  /** Id of the one that `wait` asks for. */
  get waited(): string {
    return `${this.#id}-waited`;
  }

  /** Asks for one and waits for what becomes of it, which is the end of the server. */
  async wait(server: FleetProcess): Promise<void> {
    await server.tryAsk('POST', `/api/v1/devices/${this.#id}/commands/wake?waitMs=60000`, { id: this.waited });
  }

  /** What is wrong with those that the API called queued while the camera was away. */
  async lost(server: FleetProcess): Promise<string | undefined> {
    for (const id of this.queued) {
      const found = await server.tryAsk('GET', `/api/v1/commands/${id}`);
      if (found?.body.state !== 'queued') return `the command ${id} was queued and is ${found?.body.state ?? 'lost'}`;
    }
    return undefined;
  }

  /** The camera comes: what of them it did not get, or not in the order of request. */
  async deliver(server: FleetProcess): Promise<string | undefined> {
    const client = await RawClient.open({ host: '127.0.0.1', port: server.port('mqtt') }, 4);
    await client.connect(cameraConnect(this.#id, this.#token));
    await client.subscribe([`device/things/thing-${this.#id}/message`, 1]);
    const got: string[] = [];
    const last = this.queued.at(-1);
    // The request that the crash cut may have been carried out: it comes behind the others.
    while (last !== undefined && !got.includes(last)) {
      const { payload } = await client.receive();
      got.push(JSON.parse(payload.toString()).message_id);
    }
    client.cut();
    const wanted = this.queued.filter((id) => !got.includes(id));
    if (wanted.length > 0) return `the camera ${this.#id} did not get ${wanted.join(', ')}`;
    const inOrder = got.filter((id) => this.queued.includes(id));
    return inOrder.join() === this.queued.join() ? undefined : `the camera ${this.#id} got ${got.join(', ')}`;
  }
}

const COMMANDS_MAX = 90;
