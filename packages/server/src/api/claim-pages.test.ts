/** The page `/claim` as HTTP: who signs in, and what others try. test/browser has it in Chromium. */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { describe, test } from 'node:test';
import { openClaimWorld, PASSWORDS, Visitor } from './testing/claim-world.ts';

const MINUTE_MS = 60_000;
const isSignedIn = async (visitor: Visitor): Promise<boolean> => {
  await visitor.get();
  return visitor.page.includes('Your devices');
};

describe('signing in', () => {
  test('a user of the configuration gets a cookie that no script reads and no other page sends', async () => {
    await using world = await openClaimWorld();
    const visitor = new Visitor(world.origin);
    const response = await visitor.form('sign-in', { username: 'ada', password: PASSWORDS.ada, code: 'AB' });
    assert.deepEqual([response.status, response.headers.get('location')], [303, '/claim?code=AB']);
    const cookie = response.headers.get('set-cookie') ?? '';
    assert.match(cookie, /^dunlin-owner=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
    assert.equal(await isSignedIn(visitor), true);
    assert.ok(!JSON.stringify(world.events).includes(cookie.slice(13, 56)));
  });

  test('wrong passwords, unknown users, devices and no password are refused alike', async () => {
    await using world = await openClaimWorld();
    await world.server.api({ method: 'POST', path: '/api/v1/devices', body: { id: 'ada2', type: 'lamp' } });
    const { body } = await world.server.api({ method: 'POST', path: '/api/v1/devices/ada2/tokens', body: {} });
    const { token } = JSON.parse(body);
    const notes = new Set<string>();
    for (const [username, password] of [
      ['ada', 'wrong'],
      ['nobody', 'wrong'],
      ['ada2', token],
      ['ada', ''],
      ['', ''],
      ['x'.repeat(5_000), 'x'],
      ['x'.repeat(200), 'x'],
      [token, 'x'],
    ]) {
      const visitor = new Visitor(world.origin);
      const response = await visitor.form('sign-in', { username, password });
      assert.deepEqual([response.status, response.headers.get('set-cookie')], [401, null], username);
      notes.add(visitor.note);
    }
    assert.deepEqual([...notes], ['The user name or the password is wrong.']);
    assert.ok(world.events.some((event) => event.name === 'ownerRefused' && event.check === 'password'));
    const told = JSON.stringify(world.events);
    assert.deepEqual([told.includes('x'.repeat(129)), told.includes(token)], [false, false]);
  });

  test('counts with the guards of the server: so many failures, and the right password is refused', async () => {
    await using world = await openClaimWorld({ guard: { userAtAddressBanAfter: 3, trusted: [] } });
    const visitor = new Visitor(world.origin);
    for (let time = 0; time < 3; time += 1) await visitor.form('sign-in', { username: 'ada', password: 'wrong' });
    const { status } = await visitor.form('sign-in', { username: 'ada', password: PASSWORDS.ada });
    assert.deepEqual([status, visitor.note], [429, 'There were too many attempts. Wait a while, then try again.']);
    assert.ok(world.events.some(({ name }) => name === 'userAtAddressBanned'));
  });

  test('ends when nothing was done for half an hour, after twelve hours, and by signing out', async () => {
    await using world = await openClaimWorld();
    const idle = await Visitor.signedIn(world.origin);
    world.pass(29 * MINUTE_MS);
    assert.equal(await isSignedIn(idle), true);
    world.pass(30 * MINUTE_MS);
    assert.equal(await isSignedIn(idle), false);
    const busy = await Visitor.signedIn(world.origin);
    for (let time = 0; time < 36; time += 1) {
      world.pass(20 * MINUTE_MS - 1_000);
      assert.equal(await isSignedIn(busy), true);
    }
    world.pass(MINUTE_MS);
    assert.equal(await isSignedIn(busy), false);
    const leaving = await Visitor.signedIn(world.origin);
    const { cookie } = leaving;
    const left = await leaving.form('sign-out', {});
    assert.match(left.headers.get('set-cookie') ?? '', /^dunlin-owner=; .*Max-Age=0$/);
    leaving.cookie = cookie;
    assert.equal(await isSignedIn(leaving), false);
  });

  test('ends with the user', async () => {
    await using world = await openClaimWorld();
    const ada = await Visitor.signedIn(world.origin);
    await world.without('ada');
    assert.equal(await isSignedIn(ada), false);
  });

  test('takes no session that somebody else chose', async () => {
    await using world = await openClaimWorld();
    const visitor = new Visitor(world.origin);
    visitor.cookie = `dunlin-owner=${'A'.repeat(43)}`;
    await visitor.form('sign-in', { username: 'ada', password: PASSWORDS.ada });
    assert.notEqual(visitor.cookie, `dunlin-owner=${'A'.repeat(43)}`);
    const { cookie } = visitor;
    for (const forged of [
      `dunlin-owner=${'A'.repeat(43)}; ${cookie}`,
      'dunlin-owner=',
      `x${cookie}`,
      `__Host-${cookie}`,
    ]) {
      visitor.cookie = forged;
      assert.equal(await isSignedIn(visitor), false, forged);
    }
  });
});

describe('other pages', () => {
  test('get nothing done in the name of a user, even with its cookie', async () => {
    await using world = await openClaimWorld();
    const ada = await Visitor.signedIn(world.origin);
    const claim = await world.begin();
    const forms: [string, Record<string, string>][] = [
      ['confirm', { code: claim.code }],
      ['revoke', { device: 'x' }],
      ['renew', { device: 'x' }],
      ['sign-out', {}],
    ];
    for (const [name, fields] of forms) {
      for (const headers of [
        { origin: 'http://evil.example' },
        { origin: 'null' },
        { 'sec-fetch-site': 'cross-site' },
        { 'sec-fetch-site': 'same-site' },
      ] as Record<string, string>[])
        assert.equal((await ada.form(name, fields, headers)).status, 403, name);
      await ada.get();
      assert.equal((await ada.form(name, { ...fields, formToken: '' })).status, 403, `${name} without a token`);
      await ada.get();
    }
    const other = await Visitor.signedIn(world.origin, 'bob');
    assert.equal((await ada.form('confirm', { code: claim.code, formToken: other.formToken })).status, 403);
    assert.equal((await world.collect(claim)).status, 202);
    assert.equal(await isSignedIn(ada), true);
  });

  test('sign nobody in as somebody else', async () => {
    await using world = await openClaimWorld();
    const visitor = new Visitor(world.origin);
    const fields = { username: 'ada', password: PASSWORDS.ada };
    assert.equal((await visitor.form('sign-in', fields, { origin: 'http://evil.example' })).status, 403);
    assert.equal(visitor.cookie, '');
  });

  test('of this name that came in the clear sign nobody in over TLS', async () => {
    const proxy = { trusted: ['127.0.0.1'], forwardedFor: true };
    const listeners = [{ name: 'web', transport: 'ws', port: 0, api: true, proxy }] as const;
    await using world = await openClaimWorld({ listeners });
    const visitor = new Visitor(world.origin);
    const fields = { username: 'ada', password: PASSWORDS.ada };
    const signIn = async (origin: string) =>
      (await visitor.form('sign-in', fields, { origin, 'x-forwarded-proto': 'https' })).status;
    assert.equal(await signIn(world.origin), 403);
    assert.equal(visitor.cookie, '');
    assert.equal(await signIn(world.origin.replace('http:', 'https:')), 303);
  });

  test('of a name that was made to lead here see nothing', async () => {
    await using world = await openClaimWorld();
    const status = await new Promise((resolve, reject) => {
      const { hostname, port } = new URL(world.origin);
      const headers = { host: `evil.example:${port}` };
      request({ hostname, port, path: '/claim', headers }, (response) => resolve(response.statusCode))
        .on('error', reject)
        .end();
    });
    assert.equal(status, 421);
  });

  test('cannot put the page into a frame, and it runs no script and loads nothing', async () => {
    await using world = await openClaimWorld();
    const visitor = new Visitor(world.origin);
    for (const path of ['/claim', '/claim?code=ABCDEF', '/claim?nothing=1']) {
      const { headers } = await visitor.get(path);
      const policy = headers.get('content-security-policy') ?? '';
      for (const part of ["default-src 'none'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"])
        assert.ok(policy.includes(part), `${path} ${part}`);
      assert.ok(!/unsafe|script-src|https?:/.test(policy));
      assert.equal(headers.get('x-frame-options'), 'DENY');
      assert.equal(headers.get('cache-control'), 'no-store');
      assert.match(headers.get('content-type') ?? '', /^text\/html/);
      assert.ok(!/<script|https?:|javascript:| on\w+=/.test(visitor.page), path);
    }
  });
});

describe('the page', () => {
  test('shows a device that was added, until when its certificate counts, and renews it as a file', async () => {
    await using world = await openClaimWorld();
    const ada = await Visitor.signedIn(world.origin);
    const claim = await world.begin();
    const done = await ada.form('confirm', { code: claim.code.toLowerCase(), name: 'Hall' });
    assert.deepEqual([done.status, done.headers.get('location')], [303, '/claim']);
    await ada.get();
    assert.ok(ada.note.includes('yours now'));
    assert.match(ada.page, /It fetches its credentials in a moment/);
    const { deviceId } = (await (await world.collect(claim)).json()) as { deviceId: string };
    await ada.get();
    assert.equal(ada.note, '', 'told once');
    assert.match(ada.page, /Certificate valid until <time/);
    assert.ok(ada.page.includes(deviceId) && ada.page.includes('Hall'));
    const { formToken } = ada;
    const file = await ada.form('renew', { device: deviceId });
    assert.equal(file.headers.get('content-disposition'), `attachment; filename="${deviceId}.pem"`);
    const pem = ada.page;
    assert.equal(pem.match(/BEGIN CERTIFICATE/g)?.length, 3);
    assert.match(pem, /PRIVATE KEY/);
    assert.equal((await ada.form('revoke', { device: deviceId, formToken })).status, 303);
    await ada.get();
    assert.match(ada.note, /locked out/);
    assert.match(ada.page, /It is locked out: it has no credentials/);
    assert.doesNotMatch(ada.page, /in a moment/);
  });

  test('begins where something is typed: the user name, the password after a wrong one, then the code', async () => {
    await using world = await openClaimWorld();
    const visitor = new Visitor(world.origin);
    const focus = () => [...visitor.page.matchAll(/<input [^>]*id="(\w+)"[^>]* autofocus/g)].map(([, id]) => id);
    await visitor.get();
    assert.deepEqual(focus(), ['username']);
    await visitor.form('sign-in', { username: 'ada', password: 'wrong' });
    assert.deepEqual(focus(), ['password']);
    await visitor.form('sign-in', { username: 'ada', password: PASSWORDS.ada });
    await visitor.get();
    assert.deepEqual(focus(), ['code']);
  });

  test('is where the address of a form leads that is asked for like a page', async () => {
    await using world = await openClaimWorld();
    for (const name of ['sign-in', 'sign-out', 'confirm', 'renew', 'revoke']) {
      const answer = await fetch(`${world.origin}/claim/${name}`, { redirect: 'manual' });
      assert.deepEqual([answer.status, answer.headers.get('location')], [303, '/claim'], name);
    }
  });

  test('says when a certificate ends soon, or has ended', async () => {
    await using world = await openClaimWorld();
    const ada = await Visitor.signedIn(world.origin);
    const claim = await world.begin();
    await ada.form('confirm', { code: claim.code });
    await world.collect(claim);
    world.pass(340 * 24 * 60 * MINUTE_MS);
    assert.match((await Visitor.signedIn(world.origin)).page, /in 25 days/);
    world.pass(30 * 24 * 60 * MINUTE_MS);
    assert.match((await Visitor.signedIn(world.origin)).page, /Certificate expired on .*can still renew by itself/);
    world.pass(90 * 24 * 60 * MINUTE_MS);
    assert.match((await Visitor.signedIn(world.origin)).page, /Certificate expired on .*show a new code/);
  });

  test('shows hostile names as the text that they are, and takes none that hide what they are', async () => {
    await using world = await openClaimWorld();
    const ada = await Visitor.signedIn(world.origin);
    const hostile = `"><script>alert(1)</script><img src=x onerror='alert(1)'>`;
    const claim = await world.begin('lamp');
    await ada.form('confirm', { code: claim.code, name: hostile });
    await ada.get();
    assert.ok(!ada.page.includes('<script') && !ada.page.includes('<img'));
    assert.ok(ada.page.includes('&quot;&gt;&lt;script&gt;alert(1)'));
    for (const name of ['a\u202eb', 'a\u0000b', 'x'.repeat(300)]) {
      const other = await world.begin('lamp');
      const { formToken } = ada;
      assert.equal((await ada.form('confirm', { code: other.code, name, formToken })).status, 400);
      assert.ok(!ada.page.includes('<script'));
    }
    await ada.get(`/claim?code=${encodeURIComponent(hostile).slice(0, 60)}`);
    assert.ok(!ada.page.includes('<script'));
  });

  test('has a code count once, for one owner, within its time', async () => {
    await using world = await openClaimWorld();
    const [ada, bob] = [await Visitor.signedIn(world.origin), await Visitor.signedIn(world.origin, 'bob')];
    const used = await world.begin();
    await ada.form('confirm', { code: used.code });
    assert.equal((await bob.form('confirm', { code: used.code })).status, 404);
    assert.match(bob.note, /^No device shows this code/);
    const old = await world.begin();
    world.pass(15 * MINUTE_MS);
    assert.equal((await bob.form('confirm', { code: old.code })).status, 404);
  });

  test('lets nobody guess codes', async () => {
    await using world = await openClaimWorld();
    const bob = await Visitor.signedIn(world.origin, 'bob');
    const { code } = await world.begin();
    const wrong = `${code.startsWith('A') ? 'C' : 'A'}${code.slice(1)}`;
    for (let time = 0; time < 10; time += 1) {
      await bob.form('confirm', { code: wrong });
      assert.match(bob.note, /^No device shows this code/);
    }
    assert.equal((await bob.form('confirm', { code })).status, 429);
    assert.match(bob.note, /too many attempts/);
    assert.equal(world.events.filter(({ name }) => name === 'claimCodeWrong').length, 10);
  });

  test('answers a form that is too large, none of a browser, or of nobody with a page', async () => {
    await using world = await openClaimWorld();
    const ada = await Visitor.signedIn(world.origin);
    assert.equal((await ada.form('confirm', { code: 'x'.repeat(20_000) })).status, 413);
    assert.match(ada.page, /^<!doctype html>/);
    await ada.get();
    assert.equal((await ada.form('confirm', {}, { 'content-type': 'text/plain' })).status, 415);
    assert.equal((await new Visitor(world.origin).form('confirm', { code: 'ABCDEF' })).status, 401);
  });
});
