/** A device service with claims on a data directory: for the process that claims-crash.test.ts kills, and for what looks after it. */
import type { Clock } from '@dunlin/broker';
import { type DeviceEvent, DeviceService, DeviceTypes, IssuingAuthority, MasterKey } from '@dunlin/devices';
import { PasswordVerifier } from '@dunlin/identity';
import { openLmdb } from '@dunlin/lmdb';
import { deviceType } from '../../packages/devices/src/testing/types.ts';

export interface AuthorityText {
  readonly certificate: string;
  readonly key: string;
  /** In base64. */
  readonly masterKey: string;
}

export const TYPES = ['lamp', 'frame'] as const;

const clock: Clock = {
  nowMs: () => Date.now(),
  steadyMs: () => performance.now(),
  every: () => ({ cancel() {} }),
  endOfTurn: (run) => void setImmediate(run),
};
const MANY = { claimsMax: 100_000, claimsPerAddressMax: 100_000, claimsPerMinuteMax: 100_000 };

export async function openClaimsService(directory: string, { certificate, key, masterKey }: AuthorityText) {
  const environment = await openLmdb({ directory, durability: 'process' });
  const events: DeviceEvent[] = [];
  const service = await DeviceService.open({
    tables: environment,
    clock,
    tell: (event) => events.push(event),
    types: new DeviceTypes([
      deviceType({ name: 'lamp', credential: 'token', claimable: true }),
      deviceType({ name: 'frame', credential: 'certificate', claimable: true }),
    ]),
    verifier: new PasswordVerifier(),
    authority: IssuingAuthority.open({
      name: 'devices',
      certificate: { text: certificate, source: 'ca.pem' },
      key: { text: key, source: 'ca.key' },
      masterKey: new MasterKey(Buffer.from(masterKey, 'base64'), 'a test'),
    }),
    claimLimits: MANY,
  });
  const close = async () => {
    await service.close();
    await environment.close();
  };
  return { service, events, close };
}
