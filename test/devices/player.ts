/** Players of the tests, registered by the API. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Program } from '../interop/local-broker.ts';
import { type Answer, type Fleet, run, write } from './fleet.ts';

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

export async function register(fleet: Fleet): Promise<Player> {
  const id = randomUUID();
  await fleet.done('POST', '/api/v1/devices', { id, type: 'player' });
  const issued = await fleet.done('POST', `/api/v1/devices/${id}/certificates`, { generateKey: true });
  const folder = fleet.path(id);
  const [ca, certificate, key] = ['ca.pem', 'cert.pem', 'key.pem'].map((file) => join(folder, file));
  const files = [ca, certificate, key] as const;
  write(ca, readFileSync(fleet.path('tls/ca.pem'), 'utf8'));
  install({ files }, issued);
  return { id, folder, files, serial: issued.serial };
}

/** A player that had nothing but the authority of its server, which it trusts for HTTPS as well, and plays. */
export async function registerByCode(
  fleet: Fleet,
  urls: { readonly players: string; readonly api: string } = urlsOf(fleet),
): Promise<{ readonly player: Player; readonly program: Program }> {
  const folder = fleet.path(randomUUID());
  const [ca, certificate, key] = ['ca.pem', 'cert.pem', 'key.pem'].map((file) => join(folder, file));
  write(ca, readFileSync(fleet.path('tls/ca.pem'), 'utf8'));
  const program = run('players/player.ts', [folder, urls.players, urls.api], { NODE_EXTRA_CA_CERTS: ca });
  await program.shows('Enter the code ');
  const code = /^Enter the code (\S+) until /.exec(program.out)?.[1] ?? '';
  assert.match(code.replaceAll('-', ''), /^[0-9A-Z]{6}$/);
  assert.equal((await fleet.ask('POST', '/api/v1/claims/confirm', { code: 'AAAAAA', owner: 'ada' })).status, 404);
  const { deviceId: id } = await fleet.done('POST', '/api/v1/claims/confirm', { code, owner: 'ada', name: 'kitchen' });
  await program.shows('Waiting for commands\n');
  return { player: { id, folder, files: [ca, certificate, key], serial: '' }, program };
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
