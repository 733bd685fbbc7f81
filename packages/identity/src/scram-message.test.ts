import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseClientFinal, parseClientFirst, usernameOfClientFirst } from './scram-message.ts';

const first = (text: string) => parseClientFirst(Buffer.from(text));
const final = (text: string) => parseClientFinal(Buffer.from(text));

test('reads client-first, with the user name unescaped', () => {
  assert.deepEqual(first('n,,n=user,r=abc'), { username: 'user', nonce: 'abc', header: 'n,,', bare: 'n=user,r=abc' });
  assert.deepEqual(first('y,a=a=2Cb=3D,n=a=2Cb=3D,r=abc,x=later'), {
    username: 'a,b=',
    nonce: 'abc',
    header: 'y,a=a=2Cb=3D,',
    bare: 'n=a=2Cb=3D,r=abc,x=later',
  });
});

test('refuses what is no client-first', () => {
  const wrong: [string, RegExp][] = [
    ['', /no gs2-header/],
    ['n=user,r=abc', /no gs2-header/],
    ['p=tls-exporter,,n=user,r=abc', /channel binding is not offered/],
    ['n,,m=x,n=user,r=abc', /mandatory extension/],
    ['n,,r=abc,n=user', /no user name or nonce/],
    ['n,,n=user', /no user name or nonce/],
    ['n,,n=user,r=', /no user name or nonce/],
    ['n,,n=user,r=a\u00e4', /no user name or nonce/],
    [`n,,n=user,r=${'a'.repeat(257)}`, /no user name or nonce/],
    ['n,,n=us=er,r=abc', /neither =2C nor =3D/],
    ['n,,n=us=2cer,r=abc', /neither =2C nor =3D/],
    ['n,a=admin,n=user,r=abc', /act as another user/],
    [`n,,n=${'u'.repeat(4_096)},r=abc`, /too long/],
  ];
  for (const [text, what] of wrong) assert.match(String(first(text)), what, text);
  assert.match(String(parseClientFirst(undefined)), /missing/);
  assert.match(String(parseClientFirst(Buffer.from([0x6e, 0x2c, 0x2c, 0xff]))), /not UTF-8/);
});

test('finds the user of client-first alone', () => {
  assert.equal(usernameOfClientFirst(Buffer.from('n,,n=a=2Cb,r=abc')), 'a,b');
  assert.equal(usernameOfClientFirst(Buffer.from('c=biws,r=abc,p=AQI=')), undefined);
  assert.equal(usernameOfClientFirst(undefined), undefined);
});

test('reads client-final and refuses what is none', () => {
  assert.deepEqual(final('c=biws,r=abc,x=y,p=AQI='), {
    header: Buffer.from('n,,'),
    nonce: 'abc',
    proof: Buffer.from([1, 2]),
    withoutProof: 'c=biws,r=abc,x=y',
  });
  for (const text of [
    '',
    'c=biws,r=abc',
    'r=abc,c=biws,p=AQI=',
    'c=biws,r=abc,p=AQI',
    'c=biw,r=abc,p=AQI=',
    'c=biws,r=abc,p=AQI=,x=y',
  ])
    assert.match(String(final(text)), /malformed/, text);
});
