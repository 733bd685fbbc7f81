/** Routes of claims and renewal, on a server with everything in memory. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, test } from 'node:test';
import type { BegunClaim } from '@dunlin/devices';
import { openClaimWorld, Visitor } from './testing/claim-world.ts';

// biome-ignore lint/suspicious/noExplicitAny: whatever the API answers
const bodyOf = async (response: Response | Promise<Response>): Promise<any> => (await response).json();
const codeOf = async (response: Promise<Response>): Promise<string> => {
  const { status } = await response;
  return `${status} ${(await bodyOf(response)).code}`;
};

async function keyWith(world: Awaited<ReturnType<typeof openClaimWorld>>, ...scopes: string[]): Promise<string> {
  const { body } = await world.server.api({ method: 'POST', path: '/api/v1/keys', body: { name: 'test', scopes } });
  return `Bearer ${JSON.parse(body).key}`;
}

describe('a claim over HTTP', () => {
  test('leads from the code to a certificate, for a program that confirms it', async () => {
    await using world = await openClaimWorld();
    const claim = await world.begin('frame', { attributes: { model: 'F1' } });
    assert.match(claim.code, /^[A-Z0-9]{6}$/);
    const pending = await world.collect(claim);
    assert.deepEqual([pending.status, (await bodyOf(pending)).state], [202, 'pending']);
    const authorization = await keyWith(world, 'claims:write');
    const said = { code: claim.code, owner: 'ada', name: 'Hall' };
    const confirmed = await bodyOf(world.post('/api/v1/claims/confirm', said, { authorization }));
    const { deviceId, credentials } = await bodyOf(world.collect(claim));
    assert.deepEqual(confirmed, { deviceId, type: 'frame', name: 'Hall' });
    assert.equal(new X509Certificate(credentials.certificate.certificate).subject, `CN=${deviceId}`);
    const renewed = await bodyOf(
      world.post(
        '/api/v1/device/renew',
        { deviceId, generateKey: true },
        { 'x-renewal-token': credentials.renewalToken },
      ),
    );
    assert.notEqual(renewed.credentials.certificate.serial, credentials.certificate.serial);
    const audit = await world.server.api({ method: 'GET', path: '/api/v1/audit' });
    assert.match(audit.body, /claim\.confirm/);
    for (const secret of [claim.secret, claim.code, credentials.renewalToken]) {
      assert.ok(!audit.body.includes(secret));
      assert.ok(!JSON.stringify(world.events).includes(secret));
    }
  });

  test('gives nobody credentials for what is public about it', async () => {
    await using world = await openClaimWorld();
    const claim = await world.begin();
    const other = await world.begin();
    const authorization = await keyWith(world, 'claims:write', 'devices:read');
    await world.post('/api/v1/claims/confirm', { code: claim.code, owner: 'ada' }, { authorization });
    const path = `/api/v1/claims/${claim.claimId}/collect`;
    const unknown = '404 claim-unknown';
    assert.equal(await codeOf(world.post(path, undefined)), unknown);
    for (const secret of [claim.code, claim.claimId, other.secret])
      assert.equal(await codeOf(world.post(path, undefined, { 'x-claim-secret': secret })), unknown);
    assert.equal(await codeOf(world.post(`${path}?secret=${claim.secret}`, undefined)), '400 input-invalid');
    for (const id of ['..%2f..', '%00', "'%20or%201=1", 'x'.repeat(128)])
      assert.equal(
        await codeOf(world.post(`/api/v1/claims/${id}/collect`, undefined, { 'x-claim-secret': claim.secret })),
        unknown,
      );
    assert.equal((await fetch(world.origin + path, { headers: { authorization } })).status, 405);
  });

  test('is listed for who reads devices, without code and secret, and refused by who confirms', async () => {
    await using world = await openClaimWorld();
    const claim = await world.begin('frame', { attributes: { model: 'F1' } });
    const [reads, writes] = [await keyWith(world, 'devices:read'), await keyWith(world, 'claims:write')];
    const list = (authorization: string, query = '') =>
      fetch(`${world.origin}/api/v1/claims${query}`, { headers: { authorization } });
    const text = await (await list(reads)).text();
    const { items } = JSON.parse(text);
    assert.deepEqual([items.length, items[0].claimId, items[0].state], [1, claim.claimId, 'open']);
    assert.ok(!text.includes(claim.code) && !text.includes(claim.secret));
    assert.equal(await codeOf(list(writes)), '403 scope-missing');
    assert.equal(await codeOf(list(reads, '?cursor=x')), '400 cursor-invalid');
    const refuse = (authorization: string) =>
      world.post(`/api/v1/claims/${claim.claimId}/refuse`, undefined, { authorization });
    assert.equal(await codeOf(refuse(reads)), '403 scope-missing');
    assert.equal((await bodyOf(refuse(writes))).claimId, claim.claimId);
    assert.equal(await codeOf(refuse(writes)), '404 claim-unknown');
    assert.equal(await codeOf(world.collect(claim)), '404 claim-unknown');
    const audit = await world.server.api({ method: 'GET', path: '/api/v1/audit' });
    assert.match(audit.body, /claim\.end/);
  });

  test('is not confirmed without a scope, and not for nobody', async () => {
    await using world = await openClaimWorld();
    const { code } = await world.begin();
    const confirm = (authorization?: string, more: object = { owner: 'ada' }) =>
      codeOf(world.post('/api/v1/claims/confirm', { code, ...more }, { ...(authorization && { authorization }) }));
    assert.equal(await confirm(), '401 key-missing');
    assert.equal(await confirm(await keyWith(world, 'devices:write')), '403 scope-missing');
    assert.equal(await confirm(await keyWith(world, 'claims:write'), {}), '400 input-invalid');
  });

  test('is refused for types that no device may claim, for odd input and without end', async () => {
    await using world = await openClaimWorld({
      api: { strangerRequestsPerSecondMax: 10_000, bodyBytesMax: 30_000 },
    });
    const begin = (body: unknown) => codeOf(world.post('/api/v1/claims', body));
    assert.equal(await begin({ type: 'nothing' }), '409 claim-refused');
    assert.equal(await begin({ type: 'frame', attributes: { space: 'x' } }), '400 input-invalid');
    assert.equal(await begin({ type: 'frame', owner: 'ada' }), '400 input-invalid');
    assert.equal(await begin({ type: 'frame', csr: 'x'.repeat(23_000) }), '400 csr-refused');
    assert.equal(await begin({ type: 'frame', csr: 'x'.repeat(40_000) }), '413 body-too-large');
    const answers = await Promise.all(Array.from({ length: 60 }, () => world.post('/api/v1/claims', { type: 'lamp' })));
    const statuses = answers.map(({ status }) => status);
    assert.ok(statuses.includes(201) && statuses.includes(429));
    assert.ok(statuses.filter((status) => status === 201).length <= 30);
  });

  test("an Idempotency-Key of strangers is nobody's: the second gets a claim of its own", async () => {
    await using world = await openClaimWorld();
    const headers = { 'idempotency-key': 'one' };
    const [one, other]: BegunClaim[] = [
      await bodyOf(world.post('/api/v1/claims', { type: 'lamp' }, headers)),
      await bodyOf(world.post('/api/v1/claims', { type: 'lamp' }, headers)),
    ];
    assert.notEqual(one.claimId, other.claimId);
  });

  test('nobody renews for an id alone, or with a wrong token, and whether there is such a device is not told', async () => {
    await using world = await openClaimWorld();
    await world.server.api({ method: 'POST', path: '/api/v1/devices', body: { id: 'f1', type: 'frame' } });
    const details = new Set<string>();
    for (const deviceId of ['f1', 'f2', undefined])
      for (const token of ['', 'dr_'.padEnd(35, 'A')]) {
        const response = world.post(
          '/api/v1/device/renew',
          { deviceId, generateKey: true },
          { 'x-renewal-token': token },
        );
        assert.equal(await codeOf(response.then((one) => one.clone())), '403 renewal-refused');
        if (deviceId !== undefined) details.add((await bodyOf(response)).detail.replace(deviceId, 'ID'));
      }
    assert.equal(details.size, 1);
    assert.equal(await codeOf(world.post('/api/v1/device/renew', { deviceId: 'f1' })), '400 input-invalid');
  });
});

describe('a user who is signed in', () => {
  test('asks the API by cookie, and changes nothing without the token of the session', async () => {
    await using world = await openClaimWorld();
    const ada = await Visitor.signedIn(world.origin);
    const { code } = await world.begin();
    const headers = { cookie: ada.cookie, origin: world.origin };
    const confirm = (more: Record<string, string>, body: object = { code }) =>
      world.post('/api/v1/claims/confirm', body, { ...headers, ...more });
    for (const more of [{}, { 'x-form-token': '' }, { 'x-form-token': 'x'.repeat(43) }] as Record<string, string>[])
      assert.equal(await codeOf(confirm(more)), '403 form-refused');
    const my = await bodyOf(fetch(`${world.origin}/api/v1/my`, { headers }));
    assert.equal(my.owner, 'ada');
    const token = { 'x-form-token': my.formToken };
    assert.equal(await codeOf(confirm({ ...token, origin: 'http://evil.example' })), '403 origin-refused');
    assert.equal(await codeOf(confirm({ ...token, 'sec-fetch-site': 'cross-site' })), '403 form-refused');
    assert.equal(await codeOf(confirm(token, { code, owner: 'bob' })), '400 input-invalid');
    const { deviceId } = await bodyOf(confirm(token));
    const list = await bodyOf(fetch(`${world.origin}/api/v1/my/devices`, { headers }));
    assert.deepEqual(
      list.items.map(({ id }: { id: string }) => id),
      [deviceId],
    );
  });

  test('sees, renews and revokes devices of its own alone', async () => {
    await using world = await openClaimWorld();
    const [ada, bob] = [await Visitor.signedIn(world.origin), await Visitor.signedIn(world.origin, 'bob')];
    const claim = await world.begin();
    await ada.form('confirm', { code: claim.code });
    const { deviceId } = await bodyOf(world.collect(claim));
    const as = (who: Visitor) => ({ cookie: who.cookie, origin: world.origin, 'x-form-token': who.formToken });
    await ada.get();
    const path = `/api/v1/my/devices/${deviceId}`;
    for (const act of ['renew', 'revoke']) {
      const body = act === 'renew' ? {} : undefined;
      assert.equal(await codeOf(world.post(`${path}/${act}`, body, as(bob))), '404 device-unknown');
      assert.equal(await codeOf(world.post(`${path}/${act}`, body)), '401 key-missing');
    }
    const renewed = await world.post(`${path}/renew`, {}, as(ada));
    assert.equal(renewed.status, 201);
    assert.match((await bodyOf(renewed)).key, /PRIVATE KEY/);
    assert.equal((await world.post(`${path}/revoke`, undefined, as(ada))).status, 204);
    const [own] = (await bodyOf(fetch(`${world.origin}/api/v1/my/devices`, { headers: as(ada) }))).items;
    assert.deepEqual([own.id, own.hasToken, own.certificateEndsAtMs], [deviceId, false, undefined]);
  });

  test('may do nothing else than that', async () => {
    await using world = await openClaimWorld();
    const ada = await Visitor.signedIn(world.origin);
    const headers = { cookie: ada.cookie, origin: world.origin, 'x-form-token': ada.formToken };
    for (const path of ['/api/v1/devices', '/api/v1/keys', '/api/v1/audit'])
      assert.equal(await codeOf(fetch(world.origin + path, { headers })), '401 key-missing');
    assert.equal(await codeOf(world.post('/api/v1/devices', { id: 'x', type: 'lamp' }, headers)), '401 key-missing');
  });
});
