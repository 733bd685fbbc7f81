/** Players of the tests, registered by the API. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Answer, type Fleet, write } from './fleet.ts';

export interface Player {
  /** Its player_key. */
  readonly id: string;
  /** As `player.ts` of the example takes it. */
  readonly folder: string;
  /** The authority of the server, the chain of the player, its key. */
  readonly files: readonly [ca: string, certificate: string, key: string];
  /** Of its certificate. */
  readonly serial: string;
}

/** `days`: how long the certificate is good; default: as the configuration says. */
export async function register(fleet: Fleet, { days }: { readonly days?: number } = {}): Promise<Player> {
  const id = randomUUID();
  await fleet.done('POST', '/api/v1/devices', { id, type: 'player' });
  const wishes = { generateKey: true, ...(days !== undefined && { days }) };
  const issued = await fleet.done('POST', `/api/v1/devices/${id}/certificates`, wishes);
  const folder = fleet.path(id);
  const [ca, certificate, key] = ['server-ca.pem', 'cert.pem', 'key.pem'].map((file) => join(folder, file));
  const files = [ca, certificate, key] as const;
  write(ca, readFileSync(fleet.path('tls/ca.pem'), 'utf8'));
  install({ files }, issued);
  return { id, folder, files, serial: issued.serial };
}

/** Puts a certificate that was issued into the folder of its player. */
export function install({ files: [, certificate, key] }: Pick<Player, 'files'>, issued: Answer['body']): void {
  write(certificate, issued.chain);
  write(key, issued.key);
}

/** Where the server of a fleet is. */
export function urlsOf(fleet: Fleet) {
  return {
    players: `mqtts://127.0.0.1:${fleet.port('PLAYERS_PORT')}`,
    services: `mqtt://127.0.0.1:${fleet.port('PLAYERS_SERVICES_PORT')}`,
    api: `http://127.0.0.1:${fleet.port('PLAYERS_API_PORT')}`,
  };
}

/** What the application of the example has counted of a player. */
export function views(
  fleet: Fleet,
  { id }: Player,
): readonly { readonly view_id: string; readonly artwork_id: number }[] {
  const lines = readFileSync(fleet.path('website/views.jsonl'), 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line)).filter(({ player }) => player === id);
}
