/** A server that is killed at any moment of provisioning by claim: what was answered holds, and the rest goes on from there. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type DeviceService, MasterKey, newAuthority } from '@dunlin/devices';
import { type AuthorityText, openClaimsService } from './claims-service.ts';

/** More where it is set: `CLAIM_KILLS=100`. */
const KILLS = Number(process.env.CLAIM_KILLS ?? 8);
const child = join(import.meta.dirname, 'claims-child.ts');
const parent = mkdtempSync(join(tmpdir(), 'dunlin-claims-crash-'));
after(() => rmSync(parent, { recursive: true, force: true }));

function authorityText(): AuthorityText {
  const bytes = randomBytes(32);
  const { issuing } = newAuthority({ name: 'Test', nowMs: Date.now(), masterKey: new MasterKey(bytes, 'a test') });
  return { ...issuing, masterKey: bytes.toString('base64') };
}

/** Runs the child until it has told so many steps, and kills it some time later. Returns all that it told. */
function killed(directory: string, authority: string, steps: number, delayMs: number): Promise<string[][]> {
  const flags = ['--conditions=@dunlin/source', child, directory, authority];
  const running = spawn(process.execPath, flags, { stdio: ['ignore', 'pipe', 'inherit'] });
  let told = '';
  let isDoomed = false;
  running.stdout.setEncoding('utf8');
  running.stdout.on('data', (data: string) => {
    told += data;
    if (isDoomed || told.split('\n').length <= steps) return;
    isDoomed = true;
    setTimeout(() => running.kill('SIGKILL'), delayMs);
  });
  return new Promise((resolve) => {
    running.once('close', () =>
      resolve(
        told
          .split('\n')
          .slice(0, -1)
          .map((line) => line.split(' ')),
      ),
    );
  });
}

/** What lets a device in: its only token that counts, or the serial number of its only certificate that does. */
async function credentialsOf(service: DeviceService, deviceId: string): Promise<number> {
  const registered = (await service.registry.get(deviceId)) ?? assert.fail('the device is there');
  const tokens = await service.tokens.list(registered);
  const { records } = (await service.issuing?.certificates.list(deviceId, { limit: 100 })) ?? { records: [] };
  return tokens.length + records.filter(({ value }) => value.revokedAtMs === undefined).length;
}

test('every step that was answered holds after kill -9, and each device gets exactly one credential', async () => {
  const text = authorityText();
  const authority = join(parent, 'authority.json');
  writeFileSync(authority, JSON.stringify(text), { mode: 0o600 });
  const directory = join(parent, 'data');
  const finished = new Set<string>();
  for (let kill = 0; kill < KILLS; kill += 1) {
    const told = await killed(directory, authority, 4 + (kill % 5), (kill * 3) % 11);
    const { service, close } = await openClaimsService(directory, text);
    const { claims, registry } = service;
    const answered = (step: string, id: string) => told.find(([word, claim]) => word === step && claim === id)?.[2];
    for (const [word, claimId, secret, code] of told) {
      if (word !== 'begun') continue;
      const { registered } = await claims.confirm(code, { owner: 'ada', by: 'test', address: undefined });
      const { id } = registered.device;
      assert.equal(answered('confirmed', claimId) ?? id, id, 'the device that was told');
      const collected = await claims.collect(claimId, secret);
      assert.ok(collected.state === 'ready');
      const { token, certificate } = collected.credentials;
      assert.equal(answered('collected', claimId) ?? token ?? certificate?.serial, token ?? certificate?.serial);
      assert.equal(await credentialsOf(service, id), 1);
      finished.add(id);
    }
    const devices = (await registry.list({ owner: 'ada', limit: 1_000 })).devices.map(({ device }) => device.id);
    assert.deepEqual(new Set(devices), finished, 'no device besides');
    await close();
  }
  assert.ok(finished.size >= KILLS);
});
