/** Players of the tests: registered by the API, with the certificate in files for whoever takes files. */
import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Fleet, write } from './fleet.ts';

export interface Player {
  /** Its player_key. */
  readonly id: string;
  /** As `player.ts` of the example takes it. */
  readonly folder: string;
  /** The authority of the server, the chain of the player, its key. */
  readonly files: readonly string[];
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
  write(join(folder, 'credentials.json'), issued);
  const files = ['ca.pem', 'player.pem', 'player.key'].map((file) => join(folder, file));
  fleet.copy('tls/ca.pem', files[0]);
  writeFileSync(files[1], issued.chain);
  writeFileSync(files[2], issued.key, { mode: 0o600 });
  return { id, folder, files, serial: issued.serial };
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
