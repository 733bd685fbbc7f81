/** Has the server know the fleet: all devices by one import, certificates one by one. */
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import type { DeviceApi } from './device-api.ts';
import { camera, type DeviceCertificate, groupOf, player, type SimulatedDevice } from './fleet.ts';

export interface FleetSize {
  readonly cameras: number;
  readonly players: number;
  /** Players that come with a certificate, the first of them. */
  readonly certificates: number;
}

/** What the simulator keeps between two runs, so that tokens and certificates stay the same. */
interface Kept {
  readonly secret: string;
  readonly certificates: Record<string, DeviceCertificate>;
}

/** Bytes of one import; the server takes 64 MiB. */
const DEVICES_AT_ONCE = 5_000;
const CERTIFICATES_AT_ONCE = 8;

/**
 * Registers the fleet, and settles with it. What the server has already it leaves alone. `stateFile` holds the secrets of the
 * devices; it is made (0600) where it is not there.
 */
export async function registerFleet(api: DeviceApi, size: FleetSize, stateFile: string): Promise<SimulatedDevice[]> {
  const kept = readKept(stateFile);
  const cameras = Array.from({ length: size.cameras }, (_, n) => camera(n, kept.secret));
  const players = Array.from({ length: size.players }, (_, n) => player(n, kept.secret));
  const all = [...cameras, ...players];
  for (let from = 0; from < all.length; from += DEVICES_AT_ONCE) {
    const { added, faulty, faults } = await api.post(
      '/devices/import',
      all
        .slice(from, from + DEVICES_AT_ONCE)
        .map(importLine)
        .join('\n'),
      'application/x-ndjson',
    );
    if (faulty !== 0) throw new Error(`Cannot register devices: the server says ${JSON.stringify(faults)}`);
    console.log(`registered ${added} of ${Math.min(DEVICES_AT_ONCE, all.length - from)}, the others were there`);
  }
  const certified = players.slice(0, size.certificates);
  await getCertificates(api, certified, kept);
  writeFileSync(stateFile, JSON.stringify(kept), { mode: 0o600 });
  return [
    ...cameras,
    ...certified.map((each) => ({ ...each, certificate: kept.certificates[each.id] })),
    ...players.slice(size.certificates),
  ];
}

function importLine({ id, type, attributes, token }: SimulatedDevice): string {
  return JSON.stringify({ id, type, attributes, token, groups: [groupOf(type)] });
}

async function getCertificates(api: DeviceApi, players: readonly SimulatedDevice[], kept: Kept): Promise<void> {
  const missing = players.filter(({ id }) => kept.certificates[id] === undefined);
  const next = missing.values();
  const work = Array.from({ length: CERTIFICATES_AT_ONCE }, async () => {
    for (const { id } of next) {
      const issued = await api.post(`/devices/${id}/certificates`, { generateKey: true });
      kept.certificates[id] = { chain: String(issued.chain), key: String(issued.key) };
    }
  });
  await Promise.all(work);
  if (players.length > 0) console.log(`${missing.length} certificates issued, ${players.length} in all`);
}

function readKept(stateFile: string): Kept {
  try {
    return JSON.parse(readFileSync(stateFile, 'utf8')) as Kept;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return { secret: randomBytes(32).toString('base64url'), certificates: {} };
  }
}
