/** What a player asks the HTTP API for: a place, for which it shows a code, and later another certificate. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Credentials, identityOf, keep, renewalTokenOf } from './credentials.ts';

const COLLECT_EACH_MS = 2_000;
/** Of the configuration. */
const DEVICE_TYPE = 'player';

/**
 * Asks for a place and collects its credentials when the owner has entered the code, which `show` is given. A code that
 * nobody entered in time is followed by another one. Rejects where the API refuses, and when `signal` aborts.
 */
export async function register(
  folder: string,
  apiUrl: string,
  show: (code: string, expiresAtMs: number) => void,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const begun = await ask(apiUrl, '/api/v1/claims', { type: DEVICE_TYPE }, {}, signal);
    const { claimId, secret, code, expiresAtMs } = begun as Begun;
    show(code, expiresAtMs);
    while (Date.now() < expiresAtMs) {
      await sleep(COLLECT_EACH_MS, undefined, { signal });
      const path = `/api/v1/claims/${encodeURIComponent(claimId)}/collect`;
      const collected = (await ask(apiUrl, path, undefined, { 'x-claim-secret': secret }, signal)) as Collected;
      if (collected.state === 'ready') return await keep(folder, collected.credentials);
    }
  }
}

/** Gets another certificate, also where the one in the folder has ended. That one counts on for a while. */
export async function renew(folder: string, apiUrl: string, signal: AbortSignal): Promise<void> {
  const { playerKey } = await identityOf(folder);
  const headers = { 'x-renewal-token': await renewalTokenOf(folder) };
  const body = { deviceId: playerKey, generateKey: true };
  const renewed = (await ask(apiUrl, '/api/v1/device/renew', body, headers, signal)) as { credentials: Credentials };
  await keep(folder, renewed.credentials);
}

interface Begun {
  readonly claimId: string;
  readonly secret: string;
  readonly code: string;
  readonly expiresAtMs: number;
}

type Collected = { readonly state: 'pending' } | { readonly state: 'ready'; readonly credentials: Credentials };

async function ask(
  apiUrl: string,
  path: string,
  body: object | undefined,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<unknown> {
  const response = await fetch(new URL(path, apiUrl), {
    method: 'POST',
    headers: { ...(body && { 'content-type': 'application/json' }), ...headers },
    ...(body && { body: JSON.stringify(body) }),
    signal,
  });
  if (response.ok) return await response.json();
  throw new Error(`Cannot ask ${path}: the API answered ${response.status} ${await response.text()}`);
}
