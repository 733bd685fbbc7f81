import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, test } from 'node:test';
import type { MemoryTable, TableDefinition } from '@dunlin/broker';
import { PasswordVerifier } from '@dunlin/identity';
import { CertificateError } from '../authority/certificate-error.ts';
import { csrPem, ecPair, NOW_MS, openAuthority } from '../authority/testing/fleet.ts';
import type { DeviceError } from '../device-error.ts';
import type { DeviceType } from '../device-type.ts';
import type { DeviceEvent } from '../events.ts';
import { CLAIM_LIMITS, type ClaimLimits, GUESS_WINDOW_MS } from '../limits/claim-limits.ts';
import type { Tables } from '../ports.ts';
import { DeviceTypes } from '../registry/types.ts';
import { DeviceService } from '../service.ts';
import { TestClock } from '../testing/clock.ts';
import { MemoryTables } from '../testing/registry.ts';
import { deviceType } from '../testing/types.ts';
import { CODE_ALPHABET } from './claim-code.ts';
import type { Collected } from './claims.ts';

const FRAME = deviceType({ name: 'frame', credential: 'certificate', claimable: true, claimAttributes: ['model'] });
const LAMP = deviceType({ name: 'lamp', credential: 'token', claimable: true });
const CAMERA = deviceType({
  name: 'camera',
  credential: 'token',
  claimable: true,
  requiredAttributes: ['space'],
  rules: [{ allow: 'subscribe', topics: 'space/{attr.space}' }],
});
const PUMP = deviceType({ name: 'pump' });

interface World {
  readonly tables?: Tables;
  readonly clock?: TestClock;
  readonly limits?: Partial<ClaimLimits>;
  readonly types?: readonly DeviceType[];
  readonly isWithoutAuthority?: boolean;
}

async function open({ tables = new MemoryTables(), clock = new TestClock(NOW_MS), ...world }: World = {}) {
  const events: DeviceEvent[] = [];
  const service = await DeviceService.open({
    tables,
    clock,
    tell: (event) => events.push(event),
    types: new DeviceTypes(world.types ?? [FRAME, LAMP, CAMERA, PUMP]),
    verifier: new PasswordVerifier(),
    authority: world.isWithoutAuthority ? undefined : openAuthority(),
    claimLimits: world.limits ?? {},
  });
  return { service, claims: service.claims, clock, events, tables };
}

const AT = '192.0.2.7';
const as = (owner: string) => ({ owner, by: `owner:${owner}`, address: '198.51.100.1' });
const code = (expected: string) => (error: DeviceError) => error.code === expected;

function ready(answer: Collected) {
  assert.equal(answer.state, 'ready');
  return answer as Collected & { state: 'ready' };
}

describe('from the code to the credentials', () => {
  test('a device with certificates gets its own after its owner entered the code', async () => {
    const { claims, service, events } = await open();
    const begun = await claims.begin({ type: 'frame', attributes: { model: 'F1' } }, AT);
    assert.equal(begun.expiresAtMs, NOW_MS + 15 * 60_000);
    assert.deepEqual(await claims.collect(begun.claimId, begun.secret), {
      state: 'pending',
      expiresAtMs: begun.expiresAtMs,
    });
    const { registered } = await claims.confirm(begun.code.toLowerCase(), { ...as('ada'), name: 'Hall' });
    const { device } = registered;
    assert.match(device.id, /^[0-9a-f]{8}-[0-9a-f-]{27}$/);
    assert.deepEqual(
      [device.owner, device.name, device.type, device.attributes],
      ['ada', 'Hall', 'frame', { model: 'F1' }],
    );
    const { credentials, deviceId } = ready(await claims.collect(begun.claimId, begun.secret));
    assert.equal(deviceId, device.id);
    const { certificate, renewal, token } = credentials;
    const x509 = new X509Certificate(certificate?.certificate ?? '');
    assert.equal(x509.subject, `CN=${device.id}`);
    assert.ok(certificate?.key?.includes('PRIVATE KEY') && certificate.authorities.includes('CERTIFICATE'));
    assert.equal(token, undefined);
    assert.equal(renewal?.expiresAtMs, (certificate?.notAfterMs ?? 0) + 90 * 86_400_000);
    const names = events.map(({ name }) => name);
    for (const name of ['claimBegun', 'claimConfirmed', 'deviceAdded', 'certificateIssued', 'claimEnded'] as const)
      assert.ok(names.includes(name), name);
    const told = JSON.stringify(events);
    for (const secret of [begun.secret, begun.code, renewal?.token ?? '', 'PRIVATE KEY'])
      assert.ok(!told.includes(secret));
    await service.close();
  });

  test('a device with a key of its own gets a certificate for it, and no key', async () => {
    const { claims, service } = await open();
    const pair = ecPair();
    const begun = await claims.begin({ type: 'frame', csr: csrPem('claim', { pair }) }, AT);
    await claims.confirm(begun.code, as('ada'));
    const { certificate } = ready(await claims.collect(begun.claimId, begun.secret)).credentials;
    const { publicKey } = new X509Certificate(certificate?.certificate ?? '');
    assert.ok(publicKey.equals(pair.publicKey));
    assert.equal(certificate?.key, undefined);
    await service.close();
  });

  test('a device with tokens gets one that lets it in', async () => {
    const { claims, service } = await open({ isWithoutAuthority: true });
    const begun = await claims.begin({ type: 'lamp' }, AT);
    const { registered } = await claims.confirm(begun.code, as('ada'));
    const { credentials } = ready(await claims.collect(begun.claimId, begun.secret));
    assert.deepEqual(Object.keys(credentials), ['token']);
    const verdict = await service.tokens.check(registered, Buffer.from(credentials.token ?? ''));
    assert.equal(verdict.kind, 'right');
    await service.close();
  });

  test('an answer that was lost is given again for a while, the same; then there is no such claim', async () => {
    const { claims, clock, service } = await open();
    const begun = await claims.begin({ type: 'frame' }, AT);
    await claims.confirm(begun.code, as('ada'));
    const [first, beside] = await Promise.all([
      claims.collect(begun.claimId, begun.secret),
      claims.collect(begun.claimId, begun.secret),
    ]);
    clock.pass(CLAIM_LIMITS.claimCollectAgainS.default * 1_000 - 1);
    const again = await claims.collect(begun.claimId, begun.secret);
    assert.deepEqual([beside, again], [first, first]);
    clock.pass(1);
    await assert.rejects(claims.collect(begun.claimId, begun.secret), code('unknown-claim'));
    await service.close();
  });

  test('what was revoked since is not given again, be it a certificate or a token', async () => {
    const { claims, service } = await open();
    for (const type of ['frame', 'lamp']) {
      const begun = await claims.begin({ type }, AT);
      const { registered } = await claims.confirm(begun.code, as('ada'));
      const { id } = registered.device;
      assert.equal(await claims.isAwaited(id), true);
      const { credentials } = ready(await claims.collect(begun.claimId, begun.secret));
      assert.equal(await claims.isAwaited(id), false);
      if (credentials.certificate === undefined)
        for (const one of await service.tokens.list(registered)) await service.tokens.revoke(id, one.id, 'local');
      else await service.issuing?.certificates.revokeAll(id, { by: 'local' });
      await assert.rejects(claims.collect(begun.claimId, begun.secret), code('claim-revoked'), type);
    }
    await service.close();
  });

  test('what is kept of an answer shows no secret, nor does the rest of the tables', async () => {
    const tables = new Recorded();
    const { claims, service } = await open({ tables });
    const begun = await claims.begin({ type: 'frame' }, AT);
    await claims.confirm(begun.code, as('ada'));
    const { renewal, certificate } = ready(await claims.collect(begun.claimId, begun.secret)).credentials;
    const written = tables.written.map((value) => JSON.stringify(value, asLatin1)).join('\n');
    assert.ok(written.includes(begun.claimId));
    for (const secret of [begun.secret, renewal?.token, certificate?.key?.slice(40, 80)])
      assert.ok(secret !== undefined && !written.includes(secret));
    await service.close();
  });
});

describe('who may not', () => {
  test('the id of a claim and its code get nobody anything without the secret', async () => {
    const { claims, service } = await open();
    const begun = await claims.begin({ type: 'frame' }, AT);
    const other = await claims.begin({ type: 'frame' }, AT);
    await claims.confirm(begun.code, as('ada'));
    for (const secret of ['', begun.claimId, begun.code, other.secret, `${begun.secret} `, 'cs_'.padEnd(46, 'A')])
      await assert.rejects(claims.collect(begun.claimId, secret), code('unknown-claim'));
    for (const id of ['', begun.code, '../..', "' or 1=1 --", '__proto__', 'x'.repeat(10_000), '\0', other.claimId])
      await assert.rejects(claims.collect(id, begun.secret), code('unknown-claim'));
    await service.close();
  });

  test('a code counts once: for another owner it is like any wrong one, the same owner gets the same device', async () => {
    const { claims, service } = await open();
    const begun = await claims.begin({ type: 'lamp' }, AT);
    const results = await Promise.allSettled(
      ['ada', 'bob', 'ada', 'cem'].map((owner) => claims.confirm(begun.code, as(owner))),
    );
    const owners = results.flatMap((one) => (one.status === 'fulfilled' ? [one.value.registered.device] : []));
    assert.ok(owners.length >= 1 && new Set(owners.map(({ id }) => id)).size === 1);
    assert.equal((await service.registry.list()).devices.length, 1);
    for (const one of results) if (one.status === 'rejected') assert.equal(one.reason.code, 'claim-code');
    const winner = owners[0].owner as string;
    const again = await claims.confirm(begun.code, as(winner));
    assert.equal(again.registered.device.id, owners[0].id);
    await assert.rejects(claims.confirm(begun.code, as('eve')), code('claim-code'));
    ready(await claims.collect(begun.claimId, begun.secret));
    await assert.rejects(claims.confirm(begun.code, as('eve')), code('claim-code'));
    await service.close();
  });

  test('claims are listed without code and secret, those that end first in front, and none that is over', async () => {
    const { claims, clock, service } = await open({ limits: { claimCodeS: 60 } });
    const old = await claims.begin({ type: 'lamp' }, AT);
    clock.pass(59_000);
    const begun = await claims.begin({ type: 'frame', attributes: { model: 'F1' } }, AT);
    const first = await claims.list({ limit: 1 });
    assert.deepEqual(
      first.claims.map(({ claimId }) => claimId),
      [old.claimId],
    );
    assert.equal((await claims.list({ limit: 9, cursor: first.cursor ?? '' })).claims[0].claimId, begun.claimId);
    clock.pass(1_000);
    const { registered } = await claims.confirm(begun.code, as('ada'));
    const { claims: listed } = await claims.list({ limit: 9 });
    const { claimId } = begun;
    const facts = { claimId, type: 'frame', attributes: { model: 'F1' }, address: AT, createdAtMs: NOW_MS + 59_000 };
    const confirmed = { state: 'confirmed', owner: 'ada', deviceId: registered.device.id } as const;
    assert.deepEqual(listed, [{ ...facts, ...confirmed, expiresAtMs: NOW_MS + 120_000 }]);
    ready(await claims.collect(claimId, begun.secret));
    assert.deepEqual(
      (await claims.list({ limit: 9 })).claims.map(({ state }) => state),
      ['collected'],
    );
    await service.close();
  });

  test('one that is refused gets nobody anything, before and after its code was entered, but not when it was collected', async () => {
    const { claims, events, service } = await open();
    const [fresh, entered, done] = await Promise.all([1, 2, 3].map(() => claims.begin({ type: 'lamp' }, AT)));
    assert.equal((await claims.refuse(fresh.claimId)).state, 'open');
    await assert.rejects(claims.confirm(fresh.code, as('ada')), code('claim-code'));
    await assert.rejects(claims.collect(fresh.claimId, fresh.secret), code('unknown-claim'));
    const { registered } = await claims.confirm(entered.code, as('ada'));
    assert.equal((await claims.refuse(entered.claimId)).deviceId, registered.device.id);
    await assert.rejects(claims.collect(entered.claimId, entered.secret), code('unknown-claim'));
    assert.deepEqual(
      events.flatMap((event) => (event.name === 'claimEnded' ? [event.why] : [])),
      ['refused', 'refused'],
    );
    await claims.confirm(done.code, as('ada'));
    ready(await claims.collect(done.claimId, done.secret));
    for (const id of [done.claimId, fresh.claimId, '', done.code, "' or 1=1", 'x'.repeat(10_000)])
      await assert.rejects(claims.refuse(id), code('unknown-claim'));
    assert.equal(claims.size, 1);
    await service.close();
  });

  test('of a refusal and a code, or a collection, at the same time never both count', async () => {
    const { claims, service } = await open();
    for (let n = 0; n < 8; n++) {
      const begun = await claims.begin({ type: 'lamp' }, AT);
      const both = [() => claims.refuse(begun.claimId), () => claims.confirm(begun.code, as('ada'))];
      await Promise.allSettled((n % 2 === 0 ? both : both.reverse()).map((one) => one()));
      // Whoever came first: after the refusal there is nothing to collect.
      await assert.rejects(claims.collect(begun.claimId, begun.secret), code('unknown-claim'));
    }
    for (let n = 0; n < 4; n++) {
      const begun = await claims.begin({ type: 'lamp' }, AT);
      await claims.confirm(begun.code, as('ada'));
      const both = [() => claims.collect(begun.claimId, begun.secret), () => claims.refuse(begun.claimId)];
      const settled = await Promise.allSettled((n % 2 === 0 ? both : both.reverse()).map((one) => one()));
      assert.notEqual(settled[0].status, settled[1].status);
    }
    await service.close();
  });

  test('an expired code is like any wrong one, and is forgotten', async () => {
    const { claims, clock, events, service } = await open({ limits: { claimCodeS: 60 } });
    const begun = await claims.begin({ type: 'lamp' }, AT);
    clock.pass(60_000);
    await assert.rejects(claims.confirm(begun.code, as('ada')), code('claim-code'));
    await assert.rejects(claims.collect(begun.claimId, begun.secret), code('unknown-claim'));
    await claims.sweep();
    assert.equal(claims.size, 0);
    assert.ok(events.some((event) => event.name === 'claimEnded' && event.why === 'expired'));
    await service.close();
  });

  test('after so many wrong codes an owner gets no further, with the right one neither, for an hour', async () => {
    const { claims, clock, service } = await open({ limits: { claimCodeS: 86_400 } });
    const begun = await claims.begin({ type: 'lamp' }, AT);
    const wrong = begun.code.startsWith('A') ? `C${begun.code.slice(1)}` : `A${begun.code.slice(1)}`;
    const most = CLAIM_LIMITS.wrongCodesPerOwnerMax.default;
    const burst = await Promise.allSettled(Array.from({ length: 50 }, () => claims.confirm(wrong, as('eve'))));
    const codes = burst.map((one) => one.status === 'rejected' && one.reason.code);
    assert.equal(codes.filter((one) => one === 'claim-code').length, most, 'a burst gets no more than a sequence');
    await assert.rejects(claims.confirm(begun.code, as('eve')), code('claim-guesses'));
    await claims.confirm(begun.code, { ...as('ada'), address: '198.51.100.2' });
    clock.pass(GUESS_WINDOW_MS);
    await assert.rejects(claims.confirm(wrong, as('eve')), code('claim-code'));
    await service.close();
  });

  test('a right code with something else wrong costs no guess', async () => {
    const { claims, service } = await open();
    const begun = await claims.begin({ type: 'lamp' }, AT);
    for (let time = 0; time < 20; time += 1)
      await assert.rejects(claims.confirm(begun.code, { ...as('ada'), replaces: 'x' }), code('unknown-device'));
    await claims.confirm(begun.code, as('ada'));
    await service.close();
  });

  test('typing what cannot be a code costs no guess', async () => {
    const { claims, service } = await open();
    const begun = await claims.begin({ type: 'lamp' }, AT);
    for (let time = 0; time < 100; time += 1)
      await assert.rejects(claims.confirm(begun.code.slice(1), as('ada')), code('claim-code'));
    await claims.confirm(begun.code, as('ada'));
    await service.close();
  });
});

describe('what a device may ask for', () => {
  test('a type that is not claimable, unknown, or without an authority is refused', async () => {
    const { claims, service } = await open({ isWithoutAuthority: true });
    for (const type of ['pump', 'nothing', '__proto__', '', 'frame'])
      await assert.rejects(claims.begin({ type }, AT), code('claim-type'), type);
    await service.close();
  });

  test("attributes that are not the device's to say are refused, and bad ones", async () => {
    const { claims, service } = await open();
    for (const attributes of [{ space: 'hall' }, { constructor: 'x' }, JSON.parse('{"__proto__":"x"}')])
      await assert.rejects(claims.begin({ type: 'camera', attributes }, AT), code('invalid'));
    for (const model of ['', 'a\nb', '\ud800', 'x'.repeat(1_025)])
      await assert.rejects(claims.begin({ type: 'frame', attributes: { model } }, AT), code('invalid'));
    await service.close();
  });

  test('an attribute that decides what a device may do cannot be one that it says itself', () => {
    const type = { ...CAMERA, claimAttributes: ['space'] };
    assert.throws(
      () => new DeviceTypes([type]),
      /claimAttributes is "space": an attribute that is not unique, and that no topic/,
    );
    const unique = { ...CAMERA, claimAttributes: ['serial'], uniqueAttributes: ['serial'] };
    assert.throws(() => new DeviceTypes([unique]), /claimAttributes is "serial"/);
  });

  test('whoever confirms for a program gives the attributes that the type requires', async () => {
    const { claims, service } = await open();
    const begun = await claims.begin({ type: 'camera' }, AT);
    await assert.rejects(claims.confirm(begun.code, as('ada')), code('invalid'));
    const { registered } = await claims.confirm(begun.code, { ...as('ada'), attributes: { space: 'hall' } });
    assert.deepEqual(registered.device.attributes, { space: 'hall' });
    await service.close();
  });

  test('a request for another name, with CA rights, with a known key, or for a type with tokens is refused', async () => {
    const { claims, service } = await open();
    const refused = async (csr: string, expected: string) =>
      assert.rejects(claims.begin({ type: 'frame', csr }, AT), (error: CertificateError) => {
        assert.ok(error instanceof CertificateError);
        return error.code === expected;
      });
    await refused(csrPem('ada'), 'csr-name');
    await refused('-----BEGIN nothing', 'csr-malformed');
    await refused('x'.repeat(20_000), 'csr-malformed');
    const pair = ecPair();
    await refused(csrPem('claim', { pair, signer: ecPair().privateKey }), 'csr-signature');
    const begun = await claims.begin({ type: 'frame', csr: csrPem('claim', { pair }) }, AT);
    await claims.confirm(begun.code, as('ada'));
    await claims.collect(begun.claimId, begun.secret);
    await refused(csrPem('claim', { pair }), 'key-taken');
    await assert.rejects(claims.begin({ type: 'lamp', csr: csrPem('claim') }, AT), code('invalid'));
    await service.close();
  });

  test('claims have limits in all, of an address and a minute', async () => {
    const { claims, events, service } = await open({ limits: { claimsMax: 3, claimsPerAddressMax: 2 } });
    await claims.begin({ type: 'lamp' }, 'a');
    await claims.begin({ type: 'lamp' }, 'a');
    await assert.rejects(claims.begin({ type: 'lamp' }, 'a'), code('claim-limit'));
    await claims.begin({ type: 'lamp' }, 'b');
    await assert.rejects(claims.begin({ type: 'lamp' }, 'c'), code('claim-limit'));
    const limits = events.flatMap((event) => (event.name === 'deviceLimitReached' ? [event.limit] : []));
    assert.deepEqual(limits, ['claimsPerAddressMax', 'claimsMax']);
    await service.close();
  });
});

describe('a device that was claimed before', () => {
  async function claimed(world: World = {}) {
    const opened = await open(world);
    const begun = await opened.claims.begin({ type: 'frame' }, AT);
    const { registered } = await opened.claims.confirm(begun.code, as('ada'));
    const { credentials } = ready(await opened.claims.collect(begun.claimId, begun.secret));
    return { ...opened, registered, credentials };
  }

  test('gets other credentials where its owner says so, and those that it had end', async () => {
    const { claims, service, registered, credentials } = await claimed();
    const begun = await claims.begin({ type: 'frame' }, AT);
    const { id } = registered.device;
    await assert.rejects(claims.confirm(begun.code, { ...as('bob'), replaces: id }), code('unknown-device'));
    await assert.rejects(claims.confirm(begun.code, { ...as('ada'), replaces: 'x' }), code('unknown-device'));
    await claims.confirm(begun.code, { ...as('ada'), replaces: id });
    const again = ready(await claims.collect(begun.claimId, begun.secret));
    assert.equal(again.deviceId, id);
    const { records } = (await service.issuing?.certificates.list(id, { limit: 10 })) ?? { records: [] };
    const valid = records.filter(({ value }) => value.revokedAtMs === undefined).map(({ key }) => key);
    assert.deepEqual(valid, [again.credentials.certificate?.serial]);
    const former = credentials.renewal?.token ?? '';
    await assert.rejects(service.desk.renewByToken(id, former, AT, {}), code('renewal-refused'));
    await service.close();
  });

  test('cannot be collected for once it was removed, disowned or added anew', async () => {
    const { claims, service } = await open();
    for (const change of ['remove', 'disown'] as const) {
      const begun = await claims.begin({ type: 'lamp' }, AT);
      const { registered } = await claims.confirm(begun.code, as('ada'));
      const { id, type } = registered.device;
      if (change === 'remove') {
        await service.registry.remove(id, { by: 'test' });
        await service.registry.add({ id, type, owner: 'ada' }, 'test');
      } else await service.registry.change(id, { owner: 'bob' }, { by: 'test' });
      await assert.rejects(claims.collect(begun.claimId, begun.secret), code('unknown-claim'));
    }
    await service.close();
  });
});

for (const withdrawal of [
  'its owner revoked it',
  'a token was revoked',
  'it was disabled',
  'it was disabled and enabled',
])
  for (const isNew of [false, true])
    test(`nobody collects for a ${isNew ? 'new' : 'replaced'} device that was confirmed before ${withdrawal}`, async () => {
      const { claims, service } = await open();
      const begun = await claims.begin({ type: 'lamp' }, AT);
      const before = await service.registry.add({ id: 'lamp-1', type: 'lamp', owner: 'ada' }, 'test');
      const { tokenId } = await service.tokens.issue('lamp-1', { by: 'test' });
      const confirmed = await claims.confirm(begun.code, { ...as('ada'), ...(!isNew && { replaces: 'lamp-1' }) });
      const registered = isNew ? confirmed.registered : before;
      const { id } = registered.device;
      const enable = (enabled: boolean) => service.registry.change(id, { enabled }, { by: 'test' });
      if (withdrawal === 'a token was revoked') {
        const made = isNew ? await service.tokens.issue(id, { by: 'test' }) : { tokenId };
        await service.tokens.revoke(id, made.tokenId, 'test');
      } else if (withdrawal === 'its owner revoked it') await service.desk.end(registered, 'owner:ada');
      else await enable(false);
      if (withdrawal === 'it was disabled and enabled') await enable(true);
      const answer = await claims.collect(begun.claimId, begun.secret).catch((error: DeviceError) => error.code);
      assert.equal(answer, 'unknown-claim');
      const now = (await service.registry.get(id)) ?? assert.fail();
      if (isNew) assert.deepEqual(await service.tokens.list(now), []);
      await service.close();
    });

test('a revocation beside a collection leaves nothing that was collected', async () => {
  for (const type of ['lamp', 'frame'])
    for (let turns = 0; turns < 40; turns += 1) {
      const { claims, service } = await open();
      const begun = await claims.begin({ type }, AT);
      const { registered } = await claims.confirm(begun.code, as('ada'));
      const collecting = claims.collect(begun.claimId, begun.secret).catch(() => undefined);
      for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
      await service.desk.end(registered, 'owner:ada');
      await collecting;
      const now = (await service.registry.get(registered.device.id)) ?? assert.fail();
      const { hasToken, certificateEndsAtMs, renewableUntilMs } = await service.desk.state(now);
      const left = [hasToken, certificateEndsAtMs, renewableUntilMs];
      assert.deepEqual(left, [false, undefined, undefined], `${type} after ${turns} turns`);
      await service.close();
    }
});

/** Remembers all that was written; throws at one write instead, or right behind it, as a crash would. */
class Recorded implements Tables {
  readonly written: unknown[] = [];
  readonly #tables = new MemoryTables();
  writes = 0;
  crash: { readonly at: number; readonly isAfter: boolean } | undefined;

  table<T>(definition: TableDefinition<T>) {
    const table = this.#tables.table(definition);
    const step = async <R>(write: () => Promise<R>): Promise<R> => {
      const isHere = this.crash?.at === this.writes;
      this.writes += 1;
      if (this.crash !== undefined && this.writes > this.crash.at + 1) throw new Error('crashed before');
      if (isHere && this.crash?.isAfter === false) throw new Error('crashed');
      const result = await write();
      if (isHere) throw new Error('crashed');
      return result;
    };
    return new Proxy(table, {
      get: (_, name) => {
        if (name === 'put')
          return (...args: Parameters<MemoryTable<T>['put']>) => {
            this.written.push(args);
            return step(() => table.put(...args));
          };
        if (name === 'delete')
          return (...args: Parameters<MemoryTable<T>['delete']>) => step(() => table.delete(...args));
        if (name === 'close') return async () => {};
        const value = Reflect.get(table, name);
        return typeof value === 'function' ? value.bind(table) : value;
      },
    });
  }
}

function asLatin1(_key: string, value: unknown): unknown {
  const bytes = value as { type?: string; data?: number[] } | null;
  if (bytes?.type === 'Buffer' && bytes.data !== undefined) return Buffer.from(bytes.data).toString('latin1');
  return value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value;
}

test('claims that begin at once pass no limit, and one that is refused takes no place', async () => {
  const { claims, service } = await open({ limits: { claimsMax: 1 } });
  const begin = () => claims.begin({ type: 'frame', csr: csrPem('claim') }, AT);
  const begun = await Promise.allSettled([begin(), begin(), begin()]);
  assert.deepEqual(
    begun.map(({ status }) => status),
    ['fulfilled', 'rejected', 'rejected'],
  );
  assert.equal(claims.size, 1);
  const other = await open({ limits: { claimsMax: 1 } });
  await assert.rejects(other.claims.begin({ type: 'frame', csr: 'none' }, AT));
  await assert.rejects(other.claims.begin({ type: 'pump' }, AT), code('claim-type'));
  await other.claims.begin({ type: 'lamp' }, AT);
  for (const each of [service, other.service]) await each.close();
});

describe('a crash at any write', () => {
  /** Each step is repeated as whoever did it would, until the device has its credentials. */
  async function provisioned(tables: Recorded, clock: TestClock, type: string): Promise<void> {
    let begun: Awaited<ReturnType<DeviceService['claims']['begin']>> | undefined;
    for (let life = 0; life < 5; life += 1) {
      const { claims, service } = await open({ tables, clock });
      try {
        begun ??= await claims.begin({ type }, AT);
        await claims.confirm(begun.code, as('ada'));
        const { credentials, deviceId } = ready(await claims.collect(begun.claimId, begun.secret));
        const { devices } = await service.registry.list();
        assert.deepEqual(
          devices.map(({ device }) => [device.id, device.owner]),
          [[deviceId, 'ada']],
        );
        const { records } = (await service.issuing?.certificates.list(deviceId, { limit: 100 })) ?? { records: [] };
        const counts = records.filter(({ value }) => value.revokedAtMs === undefined).map(({ key }) => key);
        assert.deepEqual(counts, credentials.certificate === undefined ? [] : [credentials.certificate.serial]);
        const tokens = await service.tokens.list(devices[0]);
        assert.equal(tokens.length, credentials.token === undefined ? 0 : 1);
        return;
      } catch (error) {
        if (!(error as Error).message.startsWith('crashed')) throw error;
        tables.crash = undefined;
      } finally {
        await service.close();
      }
    }
    assert.fail('it did not get there');
  }

  for (const type of ['frame', 'lamp'])
    test(`leaves a ${type} that goes on from there, with one device and no credentials that nobody holds`, async () => {
      const whole = new Recorded();
      await provisioned(whole, new TestClock(NOW_MS), type);
      assert.ok(whole.writes >= 6, `${whole.writes} writes`);
      for (let at = 0; at < whole.writes; at += 1)
        for (const isAfter of [false, true]) {
          const tables = new Recorded();
          tables.crash = { at, isAfter };
          await provisioned(tables, new TestClock(NOW_MS), type);
        }
    });

  test('leaves the limits as they were: claims are counted anew', async () => {
    const tables = new MemoryTables();
    const first = await open({ tables });
    await first.claims.begin({ type: 'lamp' }, AT);
    await first.claims.begin({ type: 'lamp' }, AT);
    const second = await open({ tables, limits: { claimsPerAddressMax: 2 } });
    assert.equal(second.claims.size, 2);
    await assert.rejects(second.claims.begin({ type: 'lamp' }, AT), code('claim-limit'));
    await first.service.close();
  });
});

test('codes come from all of the alphabet, none twice among the open claims', async () => {
  const { claims, service } = await open({ limits: { claimsPerAddressMax: 500, claimsPerMinuteMax: 500 } });
  const codes = new Set<string>();
  for (let n = 0; n < 300; n += 1) codes.add((await claims.begin({ type: 'lamp' }, AT)).code);
  assert.equal(codes.size, 300);
  assert.equal(new Set([...codes].join('')).size, CODE_ALPHABET.length);
  await service.close();
});
