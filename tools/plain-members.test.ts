import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withPlainMembers } from './plain-members.ts';

test('private members have plain names that no other member of the class has', () => {
  const code = 'var c=class{e=1;#e;#i=2;constructor(t){this.#e=t}get#t(){return this.#i?this.#e:this.#r()}#r(){}};';
  const plain = 'var c=class{e=1;i=2;constructor(t){this.t=t}get n(){return this.i?this.t:this.s()}s(){}};';
  assert.equal(withPlainMembers(code, []), plain);
});

test('fields without a value are left out', () => {
  assert.equal(withPlainMembers('class A{a;b=1;static c;[d]}', []), 'class A{b=1;[d]}');
});

test('classes that users see keep theirs, and others beside them do not', () => {
  const seen = 'var a=class{e;#e},b=class C{#e=1;e(){return this.#e}};export{a as Seen,b as x};';
  assert.equal(
    withPlainMembers(seen, ['Seen']),
    'var a=class{e;#e},b=class C{t=1;e(){return this.t}};export{a as Seen,b as x};',
  );
});
