import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Authorities, authenticatorChain } from '@dunlin/identity';
import { createAuthority, issueClientCertificate } from '../authority/authority.ts';
import { TestClock } from '../testing/clock.ts';
import { CAMERA_ATTRIBUTES, testParts } from '../testing/registry.ts';
import { deviceRequest, testMethod } from '../testing/request.ts';

const by = 'test';
const CLIENT_ID = 'p1-app-s1-d1';
const clock = new TestClock();
const nowMs = clock.nowMs();
const [own, acme, stranger] = ['Own', 'Acme', 'Stranger'].map((commonName) =>
  createAuthority({ commonName, days: 10, nowMs }),
);
const certificateOf = (authority: typeof own, commonName: string, days = 5) => {
  const { certificate } = issueClientCertificate({ authority, commonName, days, nowMs });
  return [Buffer.from(certificate.replace(/-----[^-]+-----|\s/g, ''), 'base64')];
};

async function withCamera(options: Parameters<typeof testMethod>[0] = {}) {
  const world = testMethod(options);
  await world.registry.add({ id: 'd1', type: 'camera', attributes: CAMERA_ATTRIBUTES, groups: ['lab'] }, by);
  const { token, tokenId } = await world.tokens.issue('d1', { by });
  return { ...world, token, tokenId };
}

async function withPlayers(options: Parameters<typeof testMethod>[0] = {}) {
  const authorities = new Authorities({
    definitions: [
      { name: 'devices', certificates: own.certificate },
      { name: 'acme', certificates: acme.certificate },
    ],
    clock,
  });
  const world = testMethod({ authorities, parts: testParts(clock), ...options });
  await world.registry.add({ id: 'p1', type: 'player' }, by);
  await world.registry.add({ id: 'p2', type: 'player', authority: 'acme' }, by);
  return { ...world, authorities };
}

test('lets a device in with its token, with all that rules may ask of it', async () => {
  const { token, letIn, refused, registry } = await withCamera();
  const registered = await registry.get('d1');
  const { username, identity, attributes, groups, expiresAtMs, certificate } = await letIn({
    clientId: CLIENT_ID,
    username: 'd1',
    password: token,
  });
  assert.deepEqual(
    { username, identity, attributes, groups, expiresAtMs, certificate },
    {
      username: 'd1',
      identity: `devices:d1/${registered?.generation}`,
      attributes: { ...CAMERA_ATTRIBUTES, deviceId: 'd1', deviceType: 'camera' },
      groups: ['lab', 'device-type:camera'],
      expiresAtMs: Infinity,
      certificate: undefined,
    },
  );
  assert.deepEqual(refused, []);
});

test('answers at once where the tables do, without a promise', async () => {
  const { method, token } = await withCamera();
  const answer = method.authenticate(deviceRequest({ clientId: CLIENT_ID, username: 'd1', password: token }));
  assert.ok(!(answer instanceof Promise));
});

test('tells a client nothing by which an unknown device differs from a wrong token', async () => {
  const { ask, tokens, registry, refused } = await withCamera();
  await registry.add({ id: 'd2', type: 'camera', attributes: CAMERA_ATTRIBUTES, enabled: false }, by);
  const other = await tokens.issue('d2', { by });
  const told = async (username: string, password: string | undefined) => {
    const answer = await ask({ clientId: CLIENT_ID, username, password });
    assert.equal(answer?.kind, 'refuse');
    return [answer.reasonCode, answer.reason];
  };
  const odd = [
    'd9',
    "d1' OR '1'='1",
    '../d1',
    'd1/',
    'd1\r\nX: y',
    'd1\0',
    'constructor',
    '__proto__',
    'D1',
    'd1 ',
    '',
    'x'.repeat(60_000),
  ];
  for (const username of odd.filter((name) => name !== ''))
    assert.deepEqual(await told(username, other.token), [0x86, undefined], username.slice(0, 20));
  // Of another device; none; and a wrong one of a device that is disabled.
  assert.deepEqual(await told('d1', other.token), [0x86, undefined]);
  assert.deepEqual(await told('d1', undefined), [0x86, undefined]);
  assert.deepEqual(await told('d2', 'dt_wrong'), [0x86, undefined]);
  assert.deepEqual(
    refused.slice(-4).map(({ isKnown, refusal }) => [isKnown, refusal.check]),
    [
      [false, 'unknown-device'],
      [true, 'token'],
      [true, 'token'],
      [true, 'token'],
    ],
  );
});

test('refuses a device that is disabled, its token expired or rotated out, or its Client Identifier another', async () => {
  const { answer, token, tokens, registry, parts, refused } = await withCamera();
  const shown = { clientId: CLIENT_ID, username: 'd1', password: token };
  assert.equal(await answer({ ...shown, clientId: 'p1-app-s9-d1' }), 'refuse 0x85 client-id');
  assert.equal(
    refused.at(-1)?.refusal.detail,
    '{space} of the client id is "s9", {attr.space} of the device is expected: "s1"',
  );
  await registry.change('d1', { enabled: false }, { by });
  assert.equal(await answer(shown), 'refuse 0x87 device-disabled');
  await registry.change('d1', { enabled: true }, { by });
  const short = await tokens.issue('d1', { by, expiresInS: 5 });
  parts.clock.pass(5_000);
  assert.equal(await answer({ ...shown, password: short.token }), 'refuse 0x87 token-expired');
  await tokens.rotate('d1', { by, overlapS: 0 });
  assert.equal(await answer(shown), 'refuse 0x87 token-expired');
  assert.equal(JSON.stringify(refused).includes(token), false);
});

test('takes a token and a certificate only of types that show them', async () => {
  const { answer, tokens, registry } = await withPlayers();
  await registry.change('p1', { type: 'lamp' }, { by });
  const { token } = await tokens.issue('p1', { by });
  await registry.change('p1', { type: 'player' }, { by });
  assert.equal(await answer({ username: 'p1', password: token }), 'refuse 0x87 device-credential');
});

test('ends the connection with the token, or with the certificate', async () => {
  const camera = await withCamera();
  const { token, expiresAtMs } = await camera.tokens.issue('d1', { by, expiresInS: 60 });
  assert.equal((await camera.letIn({ clientId: CLIENT_ID, username: 'd1', password: token })).expiresAtMs, expiresAtMs);
  const players = await withPlayers();
  const {
    expiresAtMs: certificateEndsAtMs,
    certificate,
    identity,
  } = await players.letIn({
    username: 'p1',
    certificates: certificateOf(own, 'p1'),
  });
  assert.ok(Math.abs(certificateEndsAtMs - nowMs - 5 * 86_400_000) < 1_000);
  assert.deepEqual([certificate?.authority, certificate?.commonName], ['devices', 'p1']);
  assert.match(String(identity), /^devices:p1\/./);
});

test('lets a device in with a certificate of its authority, with an empty password or none', async () => {
  const { answer } = await withPlayers();
  assert.equal(await answer({ username: 'p1', certificates: certificateOf(own, 'p1') }), 'accept p1');
  assert.equal(await answer({ username: 'p1', password: '', certificates: certificateOf(own, 'p1') }), 'accept p1');
  assert.equal(await answer({ username: 'p2', certificates: certificateOf(acme, 'p2') }), 'accept p2');
  // With a password it is the password that counts.
  assert.equal(
    await answer({ username: 'p1', password: 'x', certificates: certificateOf(own, 'p1') }),
    'refuse 0x86 device-credential',
  );
});

test('says to operators what keeps out a device that comes with certificates, and to the client what it says to all', async () => {
  const { ask, refused } = await withPlayers();
  const told = [];
  for (const shown of [
    { username: 'p1' },
    { username: 'p1', password: 'x' },
    { username: 'p9' },
    { username: 'p9', password: 'x' },
  ]) {
    const answer = await ask(shown);
    told.push(answer?.kind === 'refuse' && [answer.reasonCode, answer.reason]);
  }
  assert.deepEqual(told, Array(4).fill([0x86, undefined]));
  assert.deepEqual(
    refused.slice(0, 2).map(({ refusal }) => refusal.detail),
    [
      'no certificate came at the listener "test", which has to ask for one (clientCertificate: optional): the type player takes certificates only',
      'a password was sent, which counts before a certificate; none, or an empty one, is expected: the type player takes certificates only',
    ],
  );
});

test('says the same of a device that may come with either where it has no token', async () => {
  const { ask, tokens, registry, refused } = await withPlayers();
  await registry.add({ id: 'l1', type: 'lamp' }, by);
  const told = async (shown: { readonly username: string; readonly password?: string }) => {
    const answer = await ask(shown);
    return [answer?.kind === 'refuse' && [answer.reasonCode, answer.reason], refused.at(-1)?.refusal.check];
  };
  const toAll = [0x86, undefined];
  assert.deepEqual(await told({ username: 'l1' }), [toAll, 'device-credential']);
  assert.equal(
    refused.at(-1)?.refusal.detail,
    'no certificate came at the listener "test", which has to ask for one (clientCertificate: optional): the device has no token',
  );
  assert.deepEqual(await told({ username: 'l1', password: 'x' }), [toAll, 'device-credential']);
  await tokens.issue('l1', { by });
  assert.deepEqual(await told({ username: 'l1' }), [toAll, 'token']);
  assert.deepEqual(await told({ username: 'l1', password: 'x' }), [toAll, 'token']);
  // One below 32 bytes is looked at on another way.
  await registry.add({ id: 'l2', type: 'lamp' }, by);
  await tokens.importToken('l2', 'short', { by });
  assert.deepEqual(await told({ username: 'l2', password: 'x' }), [toAll, 'token']);
});

test('tells of the device that a good certificate names where the User Name is missing, and asks the next method', async () => {
  const { answer, refused } = await withPlayers();
  for (const [authority, name] of [
    [own, 'p9'],
    [acme, 'p1'],
    [stranger, 'p1'],
  ] as const)
    assert.equal(await answer({ certificates: certificateOf(authority, name) }), 'nothing');
  assert.equal(await answer({}), 'nothing');
  assert.equal(refused.length, 0);
  assert.equal(await answer({ certificates: certificateOf(acme, 'p2') }), 'nothing');
  assert.equal(await answer({ username: '', certificates: certificateOf(own, 'p1') }), 'nothing');
  assert.deepEqual(
    refused.map(({ deviceId, isKnown, refusal }) => [deviceId, isKnown, refusal.check, refusal.detail]),
    ['p2', 'p1'].map((id) => [
      id,
      true,
      'certificate-username',
      `it has the Common Name "${id}", the client sent no User Name; the same is expected`,
    ]),
  );
});

test('refuses a certificate whose Common Name is not the User Name', async () => {
  const { answer, registry, refused } = await withPlayers();
  await registry.add({ id: 'p3', type: 'player' }, by);
  assert.equal(
    await answer({ username: 'p3', certificates: certificateOf(own, 'p1') }),
    'refuse 0x87 certificate-username',
  );
  // Under both names: it is one of the devices that does not come in.
  assert.deepEqual(
    refused.map(({ deviceId, isKnown, refusal }) => [deviceId, isKnown, refusal.check]),
    [
      ['p1', true, 'certificate-username'],
      ['p3', false, 'certificate-username'],
    ],
  );
  assert.equal(
    await answer({ username: 'P1', certificates: certificateOf(own, 'p1') }),
    'refuse 0x87 certificate-username',
  );
  assert.equal(await answer({ certificates: certificateOf(own, 'p1') }), 'nothing');
});

test('refuses the same Common Name of another authority, and tells no more than of an unknown device', async () => {
  const { ask } = await withPlayers();
  const told = async (username: string, authority: typeof own) => {
    const answer = await ask({ username, certificates: certificateOf(authority, username) });
    assert.equal(answer?.kind, 'refuse');
    return answer;
  };
  const [other, unknown] = [await told('p1', acme), await told('p9', acme)];
  assert.deepEqual([other.check, unknown.check], ['certificate-authority', 'unknown-device']);
  assert.deepEqual([other.reasonCode, other.reason], [unknown.reasonCode, unknown.reason]);
  assert.equal((await told('p2', own)).check, 'certificate-authority');
  assert.equal((await told('p1', stranger)).check, 'certificate-foreign');
});

test('refuses a certificate that has expired, and one that the issuing part does not know', async () => {
  let known = true;
  const refusal = { kind: 'refuse', reasonCode: 0x87, check: 'certificate-former' } as const;
  const { answer, letIn } = await withPlayers({ certificates: { shown: () => (known ? undefined : refusal) } });
  const certificates = certificateOf(own, 'p1');
  await letIn({ username: 'p1', certificates });
  known = false;
  assert.equal(await answer({ username: 'p1', certificates }), 'refuse 0x87 certificate-former');
  const past = issueClientCertificate({ authority: own, commonName: 'p1', days: 1, nowMs: nowMs - 3 * 86_400_000 });
  const der = Buffer.from(past.certificate.replace(/-----[^-]+-----|\s/g, ''), 'base64');
  assert.equal(await answer({ username: 'p1', certificates: [der] }), 'refuse 0x87 certificate-expired');
  assert.equal(
    await answer({ username: 'p1', certificates: [Buffer.from('junk')] }),
    'refuse 0x87 certificate-malformed',
  );
});

test('registers a device as it comes where the part for that does', async () => {
  const asked: string[] = [];
  const world = await withPlayers({
    certificates: {
      register: (deviceId, { authority }) => {
        asked.push(`${authority} ${deviceId}`);
        if (authority !== 'acme') return undefined;
        return world.registry.add({ id: deviceId, type: 'player', authority }, 'registration');
      },
    },
  });
  assert.equal(await world.answer({ username: 'n1', certificates: certificateOf(acme, 'n1') }), 'accept n1');
  assert.equal(await world.answer({ username: 'n1', certificates: certificateOf(acme, 'n1') }), 'accept n1');
  assert.equal(
    await world.answer({ username: 'n2', certificates: certificateOf(own, 'n2') }),
    'refuse 0x87 unknown-device',
  );
  assert.deepEqual(asked, ['acme n1', 'devices n2']);
});

test('does not let in as a device that was removed while it was asked', async () => {
  const world = await withPlayers({
    certificates: {
      shown: async () => {
        await world.registry.remove('p1', { by });
        await world.registry.add({ id: 'p1', type: 'player' }, by);
        return undefined;
      },
    },
  });
  assert.equal(
    await world.answer({ username: 'p1', certificates: certificateOf(own, 'p1') }),
    'refuse 0x87 device-removed',
  );
});

test('does not let in with a token that was revoked, or as a device that was changed, while something was waited for', async () => {
  const changes = {
    'token-revoked': ({ tokens, tokenId }) => tokens.revoke('d1', tokenId, by),
    'token-expired': ({ tokens }) => tokens.rotate('d1', { by, overlapS: 0 }),
    'device-disabled': ({ registry }) => registry.change('d1', { enabled: false }, { by }),
    'device-changed': ({ registry }) => registry.change('d1', { groups: [] }, { by }),
    'device-removed': ({ registry }) => registry.remove('d1', { by }),
  } satisfies Record<string, (world: Awaited<ReturnType<typeof withCamera>>) => Promise<unknown>>;
  for (const [check, change] of Object.entries(changes)) {
    const world = await withCamera();
    const { tokens, answer, token } = world;
    const original = tokens.check.bind(tokens);
    tokens.check = async (...asked) => {
      const verdict = await original(...asked);
      await change(world);
      return verdict;
    };
    assert.equal(await answer({ clientId: CLIENT_ID, username: 'd1', password: token }), `refuse 0x87 ${check}`);
  }
});

test('asks whoever came with a certificate to go when its authority is taken away', async () => {
  const { letIn, method, authorities } = await withPlayers();
  const principal = await letIn({ username: 'p1', certificates: certificateOf(own, 'p1') });
  assert.equal(method.review(principal), undefined);
  authorities.replace([{ name: 'acme', certificates: acme.certificate }]);
  assert.equal(method.review(principal)?.check, 'certificate-foreign');
});

test('stays with its device behind a chain, which copies principals', async () => {
  const { method, token, registry } = await withCamera();
  const chain = authenticatorChain({ clock: new TestClock(), methods: [method] });
  const answer = await chain.authenticate(deviceRequest({ clientId: CLIENT_ID, username: 'd1', password: token }));
  assert.equal(answer.kind, 'accept');
  assert.equal(chain.review(answer.principal, CLIENT_ID), undefined);
  await registry.change('d1', { enabled: false }, { by });
  assert.equal(chain.review(answer.principal, CLIENT_ID)?.check, 'device-disabled');
});

test('refuses a name that would make identities ambiguous', () => {
  const { method } = testMethod();
  assert.equal(method.name, 'devices');
  assert.throws(() => new (method.constructor as new (parts: unknown) => unknown)({ name: 'a:b' }), /without ":"/);
});
