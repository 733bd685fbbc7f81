import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NOBODY, type Principal } from '@dunlin/broker';
import fc from 'fast-check';
import { type ClientIdRule, clientIdRules } from './client-id-rules.ts';

const someone = (username: string, more: Partial<Principal> = {}): Principal => ({ ...NOBODY, username, ...more });
const camera: ClientIdRule = {
  template: '{partnerId}-{clientId}-{spaceId}-{deviceId}',
  patterns: { partnerId: 'word', clientId: 'uuid', spaceId: 'uuid' },
  equals: { deviceId: '{username}' },
};
const fieldsOf = (rules: readonly ClientIdRule[], clientId: string, who: Principal, listener = 'tcp') => {
  const verdict = clientIdRules(rules).judge(clientId, listener, who);
  return verdict.kind === 'match' ? { ...verdict.fields } : `0x${verdict.reasonCode.toString(16)} ${verdict.check}`;
};
const detailOf = (rules: readonly ClientIdRule[], clientId: string, who: Principal) => {
  const verdict = clientIdRules(rules).judge(clientId, 'tcp', who);
  return verdict.kind === 'refuse' ? verdict.detail : undefined;
};

test('a camera with UUIDs in its client id becomes its fields', () => {
  const [client, space, device] = [
    '1f0c5d3e-0b6f-4c51-9f53-0d1c2b3a4f5e',
    '2f0c5d3e-0b6f-4c51-9f53-0d1c2b3a4f5e',
    '3f0c5d3e-0b6f-4c51-9f53-0d1c2b3a4f5e',
  ];
  assert.deepEqual(fieldsOf([camera], `acme-${client}-${space}-${device}`, someone(device)), {
    partnerId: 'acme',
    clientId: client,
    spaceId: space,
    deviceId: device,
  });
});

test('a device id that is not the user name is refused with 0x85', () => {
  const [client, space] = ['1f0c5d3e-0b6f-4c51-9f53-0d1c2b3a4f5e', '2f0c5d3e-0b6f-4c51-9f53-0d1c2b3a4f5e'];
  assert.equal(fieldsOf([camera], `acme-${client}-${space}-cam1`, someone('cam2')), '0x85 client-id');
  assert.equal(fieldsOf([camera], `acme-${client}-${space}-`, someone('')), '0x85 client-id');
  assert.equal(fieldsOf([camera], `acme-${client}-${space}-cam1`, NOBODY), '0x85 client-id');
  assert.match(detailOf([camera], 'cam1', someone('cam1')) ?? '', /with \{deviceId\} equal to \{username\}/);
});

test('fields come back as they went in, whatever UUIDs and names are put in', () => {
  const device = fc.stringMatching(/^[A-Za-z0-9_-]{1,40}$/);
  fc.assert(
    fc.property(
      fc.stringMatching(/^[A-Za-z0-9_]{1,20}$/),
      fc.uuid(),
      fc.uuid(),
      device,
      (partnerId, clientId, spaceId, deviceId) => {
        const fields = { partnerId, clientId, spaceId, deviceId };
        assert.deepEqual(
          fieldsOf([camera], `${partnerId}-${clientId}-${spaceId}-${deviceId}`, someone(deviceId)),
          fields,
        );
      },
    ),
  );
});

test('a client id is either read in one way or refused: fields never differ from what the id is made of', () => {
  const loose: ClientIdRule = { template: '{a}-{b}' };
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z-]{1,30}$/), (clientId) => {
      const fields = fieldsOf([loose], clientId, NOBODY);
      const inner = clientId.slice(1, -1).split('-').length - 1;
      if (inner === 1) assert.equal(typeof fields === 'string' ? fields : `${fields['a']}-${fields['b']}`, clientId);
      else assert.equal(fields, '0x85 client-id');
    }),
  );
});

test('a client id that can be read in two ways is refused, and known values make it one', () => {
  const loose: ClientIdRule = { template: '{site}-{device}' };
  assert.equal(fieldsOf([loose], 'a-b-c', someone('b-c')), '0x85 client-id');
  assert.match(detailOf([loose], 'a-b-c', someone('b-c')) ?? '', /one way to read .* is expected/);
  const bound: ClientIdRule = { ...loose, equals: { device: '{username}' } };
  assert.deepEqual(fieldsOf([bound], 'a-b-c', someone('b-c')), { site: 'a', device: 'b-c' });
  const listed: ClientIdRule = { ...loose, patterns: { site: ['a', 'b'] } };
  assert.deepEqual(fieldsOf([listed], 'a-b-c', someone('x')), { site: 'a', device: 'b-c' });
});

test('a known value must fit the pattern of its field too', () => {
  const rule: ClientIdRule = { template: 'd-{id}', patterns: { id: 'digits' }, equals: { id: '{username}' } };
  assert.deepEqual(fieldsOf([rule], 'd-7', someone('7')), { id: '7' });
  assert.equal(fieldsOf([rule], 'd-x', someone('x')), '0x85 client-id');
});

test('a field may have to equal the Common Name or an attribute', () => {
  const certificate = { authority: 'players', serial: '1', commonName: 'p1' };
  const rule: ClientIdRule = { template: '{tenant}:{player}', equals: { player: '{cn}', tenant: '{attr.tenant}' } };
  const player = someone('p1', { certificate, attributes: { tenant: 'acme' } });
  assert.deepEqual(fieldsOf([rule], 'acme:p1', player), { tenant: 'acme', player: 'p1' });
  assert.equal(fieldsOf([rule], 'other:p1', player), '0x85 client-id');
  assert.equal(fieldsOf([rule], 'acme:p1', someone('p1')), '0x85 client-id');
});

test('no attribute comes from the prototype of an object', () => {
  const rule: ClientIdRule = { template: '{a}', equals: { a: '{attr.constructor}' } };
  assert.equal(fieldsOf([rule], 'x', someone('u')), '0x85 client-id');
  assert.deepEqual(fieldsOf([{ template: '{constructor}' }], 'x', someone('u')), { constructor: 'x' });
});

test('a field that rules could not paste into a filter is refused', () => {
  for (const clientId of ['d-+', 'd-#', 'd-a/b', 'd-a\u0001', 'd-$SYS'])
    assert.equal(fieldsOf([{ template: 'd-{id}' }], clientId, someone('u')), '0x85 client-id', clientId);
});

test('a field may not contradict an attribute that the client has proven', () => {
  const proven = someone('u', { attributes: { tenant: 'acme' } });
  assert.equal(fieldsOf([{ template: '{tenant}-1' }], 'other-1', proven), '0x85 client-id');
  assert.deepEqual(fieldsOf([{ template: '{tenant}-1' }], 'acme-1', proven), { tenant: 'acme' });
});

test('a rule is for listeners, groups and user names; nobody else is asked for anything', () => {
  const rule = (audience: ClientIdRule['for']): ClientIdRule => ({ template: 'cam-{n}', for: audience });
  const other = 'something else';
  assert.equal(fieldsOf([rule({ listeners: ['tcp'] })], other, someone('u')), '0x85 client-id');
  assert.deepEqual(fieldsOf([rule({ listeners: ['tls'] })], other, someone('u')), {});
  assert.equal(
    fieldsOf([rule({ groups: ['cameras'] })], other, someone('u', { groups: ['cameras'] })),
    '0x85 client-id',
  );
  assert.deepEqual(fieldsOf([rule({ groups: ['cameras'] })], other, someone('u')), {});
  const named = rule({ usernames: ['cam-*-x*', 'bob'] });
  for (const username of ['cam--x', 'cam-1-x9', 'bob'])
    assert.equal(fieldsOf([named], other, someone(username)), '0x85 client-id');
  for (const username of ['cam-x', 'bobby', 'xcam-1-x'])
    assert.deepEqual(fieldsOf([named], other, someone(username)), {});
  assert.deepEqual(fieldsOf([named], other, NOBODY), {});
});

test('of several rules for a client the first that fits counts', () => {
  const rules: ClientIdRule[] = [
    { template: 'cam-{n}', patterns: { n: 'digits' } },
    { template: '{kind}-{name}', patterns: { kind: 'letters' } },
  ];
  assert.deepEqual(fieldsOf(rules, 'cam-7', someone('u')), { n: '7' });
  assert.deepEqual(fieldsOf(rules, 'cam-x', someone('u')), { kind: 'cam', name: 'x' });
  assert.equal(fieldsOf(rules, '7-7', someone('u')), '0x85 client-id');
});

test('a hostile client id of any length is refused', () => {
  const template = '{a}{b}{c}{d}{e}{f}{g}{h}!';
  assert.equal(fieldsOf([{ template }], 'a'.repeat(256), someone('u')), '0x85 client-id');
  assert.equal(fieldsOf([{ template }], 'a'.repeat(60_000), someone('u')), '0x85 client-id');
});

test('a template that cannot be read is refused with what is expected', () => {
  const wrong: ClientIdRule[] = [
    { template: 'fixed' },
    { template: '{a' },
    { template: '{a b}' },
    { template: '{a}-{a}' },
    { template: '{a}', patterns: { b: 'word' } },
    { template: '{a}', equals: { b: '{username}' } },
    { template: '{a}', equals: { a: 'username' } },
    { template: '{a}', patterns: { a: 'word*' } },
    { template: '{a}{b}{c}{d}{e}{f}{g}{h}{i}' },
  ];
  for (const rule of wrong)
    assert.throws(() => clientIdRules([rule]), /^Error: Cannot read .* expected|but is not in/, rule.template);
});
