import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bitString, element, integer, octetString, oid, sequence, time, utf8String } from './der-writer.ts';

const hex = (bytes: Buffer) => bytes.toString('hex');

test('writes the shortest form of every length', () => {
  assert.equal(hex(octetString(Buffer.alloc(127))).slice(0, 4), '047f');
  assert.equal(hex(octetString(Buffer.alloc(128))).slice(0, 6), '048180');
  assert.equal(hex(octetString(Buffer.alloc(256))).slice(0, 8), '04820100');
  assert.equal(hex(octetString(Buffer.alloc(65_536))).slice(0, 10), '0483010000');
});

test('writes integers that are not negative in the shortest form', () => {
  assert.equal(hex(integer(0)), '020100');
  assert.equal(hex(integer(127)), '02017f');
  assert.equal(hex(integer(128)), '02020080');
  assert.equal(hex(integer(Uint8Array.of(0, 0, 0x80, 1))), '0203008001');
});

test('writes what certificates are made of', () => {
  assert.equal(hex(oid('1.2.840.113549.1.1.11')), '06092a864886f70d01010b');
  assert.equal(hex(sequence(utf8String('é'), bitString(Uint8Array.of(6), 1))), '30080c02c3a903020106');
  assert.equal(hex(element(0xa0)), 'a000');
});

test('writes years up to 2049 with two digits and others with four', () => {
  assert.equal(time(Date.UTC(2049, 11, 31, 23, 59, 59)).toString('latin1'), '\x17\x0d491231235959Z');
  assert.equal(time(Date.UTC(2050, 0, 1)).toString('latin1'), '\x18\x0f20500101000000Z');
});
