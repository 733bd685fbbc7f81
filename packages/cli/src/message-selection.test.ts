import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageSelection } from './message-selection.ts';
import { readSubFlags } from './sub-flags.ts';

/** What becomes of the messages: p printed, r removed, ! the last one; - nothing. Retained ones begin with `r:`. */
function verdicts(line: string, ...messages: string[]): string {
  const selection = new MessageSelection(readSubFlags(line.split(' ')));
  return messages
    .map((message) => {
      const retain = message.startsWith('r:');
      const { isPrinted, isRemoved, isLast } = selection.judge({ topic: message.replace(/^r:/, ''), retain });
      return `${isPrinted ? 'p' : ''}${isRemoved ? 'r' : ''}${isLast ? '!' : ''}` || '-';
    })
    .join(' ');
}

test('retained messages are left out, wanted alone or cleared, in the order of mosquitto_sub', () => {
  assert.equal(verdicts('-t #', 'r:a', 'b'), 'p p');
  assert.equal(verdicts('-t # -R', 'r:a', 'b'), '- p');
  assert.equal(verdicts('-t # --retained-only', 'r:a', 'b', 'r:c'), 'p ! -');
  assert.equal(verdicts('-t # --remove-retained', 'r:a', 'b'), 'pr p');
  assert.equal(verdicts('-t # --remove-retained -R', 'r:a', 'b'), '- p');
  assert.equal(verdicts('-t # --remove-retained -T a', 'r:a', 'r:b'), '- pr');
  assert.equal(verdicts('-t # --retained-only -T b', 'r:a', 'b'), 'p !');
});

test('-C ends with the last message that is printed', () => {
  assert.equal(verdicts('-t # -C 2 -T no/+', 'a', 'no/b', 'c', 'd'), 'p - p! -');
});
