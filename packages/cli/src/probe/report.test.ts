import assert from 'node:assert/strict';
import { test } from 'node:test';
import { screenOf } from '../screen.ts';
import type { Finding } from './probing.ts';
import { ProbeReport } from './report.ts';

const output = { isTTY: true } as unknown as NodeJS.WritableStream;
const plain = screenOf({ output, environment: { NO_COLOR: '1' } });

const finding: Finding = { group: 'Messages', id: 'a', what: 'first', stated: true, tried: false, note: 'why' };

test('columns are aligned, the title of a group stands once, an open answer is a dash', () => {
  const report = new ProbeReport(plain);
  const rows = [finding, { ...finding, what: 'second', stated: 20, tried: undefined, note: undefined }];
  assert.equal(
    [report.heading(), ...rows.map((row) => report.row(row))].join('\n'),
    [
      '                                   stated    tried     note',
      'Messages',
      '  first                            yes       no        why',
      '',
      '  second                           20        -',
      '',
    ].join('\n'),
  );
});

test('colours stand for the answer: red where the server states what it does not do', () => {
  const report = new ProbeReport(screenOf({ output, environment: {} }));
  assert.match(report.row(finding), /\x1b\[31mno/);
  assert.match(report.row({ ...finding, stated: undefined }), /\x1b\[33mno/);
  assert.match(report.row({ ...finding, tried: 5 }), /\x1b\[32m5/);
});

test('what a server says cannot reach the terminal', () => {
  assert.match(new ProbeReport(plain).row({ ...finding, note: 'a\x1b[2Jb\n' }), /a\\u001b\[2Jb\\u000a\n$/);
});
