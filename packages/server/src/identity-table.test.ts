import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuthenticationRequest, AuthenticationResult, Authenticator } from '@dunlin/broker';
import { type Authorities, certificateMethod, flappingGuard } from '@dunlin/identity';
import { TestClock, testRequest } from '../../../test/doubles.ts';
import { parseConfiguration } from './configuration-file.ts';
import { AUTHENTICATION, AUTHORIZATION, GUARD, RULE } from './identity-table.ts';
import type { AmountShape, GroupShape, Shape, VariantsShape } from './shape.ts';

function* texts(shape: Shape, path: string): Iterable<[path: string, isSecret: boolean]> {
  if (shape.kind === 'text') yield [path, shape.isSecret === true];
  if (shape.kind === 'list') yield* texts(shape.items, `${path}[]`);
  if (shape.kind === 'map') yield* texts(shape.values, `${path}.*`);
  if (shape.kind === 'variants')
    for (const [name, variant] of Object.entries(shape.variants)) yield* texts(variant, `${path}(${name})`);
  if (shape.kind === 'group')
    for (const [name, entry] of Object.entries(shape.entries)) yield* texts(entry, `${path}.${name}`);
}

test('marks as secret what must not be shown: hashes, shared secrets, claims, headers', () => {
  const secrets = [...texts(AUTHENTICATION, 'authentication')].filter(([, isSecret]) => isSecret);
  assert.deepEqual(
    secrets.map(([path]) => path),
    [
      'authentication[](users).users[].password',
      'authentication[](jwt).secret',
      'authentication[](jwt).jwksHeaders.*',
      'authentication[](jwt).claims.*',
      'authentication[](http).headers.*',
    ],
  );
});

test('gives every form of a method a name', () => {
  const { variants } = AUTHENTICATION.items as VariantsShape;
  for (const [name, variant] of Object.entries(variants)) assert.ok('name' in variant.entries, name);
});

test('tells how a certificate names its client where the configuration does not say', () => {
  const { certificate } = (AUTHENTICATION.items as VariantsShape).variants;
  const { username, match } = certificate.entries;
  assert.deepEqual(
    [username, match].map((shape) => shape.kind === 'choice' && shape.default),
    ['cn', 'username'],
  );
  const names = { dns: [], uri: [], email: [] };
  const facts = { authority: 'fleet', serial: '01', commonName: 'cam-17', issuers: [] };
  const registry = { has: () => true, examine: () => ({ facts, subjectAltNames: names, notAfterMs: 9e15 }) };
  const method = certificateMethod({ name: 'c', registry: registry as unknown as Authorities, authorities: ['fleet'] });
  const answers = ['cam-17', 'cam-18'].map((shown) => {
    const connect = { clientId: 'x', username: shown, properties: {} };
    const request = { listener: 'tls', peer: { address: '::1', certificates: [new Uint8Array(1)] }, connect };
    return (method.authenticate(request as unknown as AuthenticationRequest) as AuthenticationResult).kind;
  });
  assert.deepEqual(answers, ['accept', 'refuse']);
});

test('has the defaults of the flapping guard that are in force where nothing is said', () => {
  const { connectsMax, windowS, banS } = (GUARD.entries.flapping as GroupShape).entries;
  const principal = { identity: 'users:ada', username: 'ada', groups: [], attributes: {} };
  const connectsUntilBanned = (clock: TestClock, pauseMs: number): number => {
    const letsIn = { supports: () => false, authenticate: () => ({ kind: 'accept', principal }) as const };
    const guard = flappingGuard({ clock });
    const guarded = guard.before(letsIn as unknown as Authenticator);
    for (let connects = 1; connects <= 100; connects++) {
      const { kind } = guarded.authenticate(testRequest({ username: 'ada' })) as AuthenticationResult;
      if (kind !== 'accept') {
        assert.equal(guard.bans()[0].endsInMs, seconds(banS));
        return connects;
      }
      if (connects === 1) clock.pass(pauseMs);
    }
    return 100;
  };
  const most = (connectsMax as AmountShape).default;
  assert.equal(connectsUntilBanned(new TestClock(0), seconds(windowS) - 1), most + 1);
  assert.equal(connectsUntilBanned(new TestClock(0), seconds(windowS)), most + 2);
});

function seconds(shape: Shape): number {
  return (shape as AmountShape).default * 1_000;
}

test('has one form of rules, wherever they stand', () => {
  const { rules } = AUTHORIZATION.entries;
  assert.equal(rules.kind === 'list' && rules.items, RULE);
});

test('the guard may trust nobody', () => {
  assert.deepEqual(parseConfiguration('guard: {trusted: []}', 'dunlin.yaml'), { guard: { trusted: [] } });
});
