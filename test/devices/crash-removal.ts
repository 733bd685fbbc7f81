/** A device that has everything, is removed, and of which nothing may be left wherever a crash falls. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Check, type Deed, tlsClient } from './crash-devices.ts';
import type { FleetProcess } from './fleet-process.ts';
import type { Answer } from './fleet-server.ts';

/** How long a start may take to finish what a crash left of a removal. */
const FINISHED_MS_MAX = 10_000;

export interface Screen {
  readonly id: string;
  readonly serial: string;
  readonly renewal: string;
  readonly certificate: Answer['body'];
  readonly commandId: string;
}

/** With a certificate and a renewal token by a claim, a token, presence and a command. Undefined: the server was gone. */
export async function madeScreen(server: FleetProcess): Promise<Screen | undefined> {
  const begun = await server.tryAsk('POST', '/api/v1/claims', { type: 'screen' });
  if (begun?.status !== 201) return undefined;
  const { claimId, secret, code } = begun.body;
  const confirmed = await server.tryAsk('POST', '/api/v1/claims/confirm', { code, owner: 'ada' });
  const headers = { 'x-claim-secret': secret };
  const collected = confirmed && (await server.tryAsk('POST', `/api/v1/claims/${claimId}/collect`, undefined, headers));
  if (collected?.status !== 200) return undefined;
  const { deviceId: id, credentials } = collected.body;
  const issued = await server.tryAsk('POST', `/api/v1/devices/${id}/tokens`, {});
  const command = issued && (await server.tryAsk('POST', `/api/v1/devices/${id}/commands/show`, {}));
  if (command?.status !== 202) return undefined;
  const { certificate, renewalToken: renewal } = credentials;
  await (await tlsClient(server, id, certificate))?.cut();
  return {
    id,
    serial: certificate.serial,
    renewal,
    certificate,
    commandId: command.body.id,
  };
}

/** Removes it, and says what has to hold from then on. */
export async function removed(server: FleetProcess, screen: Screen): Promise<Check> {
  const { id, certificate } = screen;
  let isRemoved = (await server.tryAsk('DELETE', `/api/v1/devices/${id}`))?.status === 204;
  let isAnew = false;
  return async (now) => {
    const isGone = isAnew || (await now.tryAsk('GET', `/api/v1/devices/${id}`))?.status === 404;
    if (isRemoved && !isGone) return `the device ${id} came back`;
    isRemoved = isGone;
    const client = await tlsClient(now, id, certificate);
    client?.cut();
    if (!isRemoved) return client === undefined ? `the device ${id} is there and does not come in` : undefined;
    if (client !== undefined) return `the device ${id} was removed, and its certificate lets in`;
    if (!isAnew && !(await addedAnew(now, id))) return `the id ${id} is not free`;
    isAnew = true;
    const inherited = await inheritance(now, screen);
    return inherited.length === 0 ? undefined : `a new device ${id} has of the former one: ${inherited.join(', ')}`;
  };
}

/** Waits until what a crash left is finished. */
async function addedAnew(server: FleetProcess, id: string): Promise<boolean> {
  for (const endMs = performance.now() + FINISHED_MS_MAX; performance.now() < endMs; await sleep(20))
    if ((await server.tryAsk('POST', '/api/v1/devices', { id, type: 'screen' }))?.status === 201) return true;
  return false;
}

async function inheritance(server: FleetProcess, { id, serial, renewal, commandId }: Screen): Promise<string[]> {
  const found: string[] = [];
  const certificates = await server.done('GET', `/api/v1/devices/${id}/certificates`);
  const isRevoked = ({ revokedAtMs }: { readonly revokedAtMs?: number }) => revokedAtMs !== undefined;
  if (!certificates.items.every(isRevoked)) found.push('a certificate that is not revoked');
  const list = await fetch(`http://127.0.0.1:${server.port('web')}/crl/devices.crl`);
  const bytes = Buffer.from(serial, 'hex');
  if (!Buffer.from(await list.arrayBuffer()).includes(bytes)) found.push('no entry in the CRL');
  if ((await server.done('GET', `/api/v1/devices/${id}/tokens`)).items.length > 0) found.push('tokens');
  const { session } = await server.done('GET', `/api/v1/devices/${id}/presence`);
  if (session !== 0) found.push('presence');
  const { state } = await server.done('GET', `/api/v1/commands/${commandId}`);
  if (state !== 'failed') found.push(`a command that is ${state}`);
  const renewed = await server.tryAsk(
    'POST',
    '/api/v1/device/renew',
    { deviceId: id, generateKey: true },
    { 'x-renewal-token': renewal },
  );
  if (renewed?.status !== 403) found.push('renewal');
  return found;
}

export const removes: Deed = async (server) => {
  const screen = await madeScreen(server);
  return screen && removed(server, screen);
};
