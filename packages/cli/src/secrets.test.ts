import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { RecordedTerminal } from './contract/recorded-terminal.ts';
import { askSecrets, newPassword, type RawInput } from './secrets.ts';
import type { Terminal } from './terminal.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dunlin-cli-secrets-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

/** A keyboard. */
class Keyboard extends EventEmitter implements RawInput {
  readonly modes: boolean[] = [];
  isRead = false;

  setRawMode(isRaw: boolean): void {
    this.modes.push(isRaw);
  }

  resume(): void {
    this.isRead = true;
  }

  pause(): void {
    this.isRead = false;
  }

  type(...chunks: (string | Uint8Array)[]): void {
    for (const chunk of chunks) this.emit('data', Buffer.from(chunk as Uint8Array));
  }
}

function asking(): { keyboard: Keyboard; terminal: RecordedTerminal; answers: Promise<string[]> } {
  const [keyboard, terminal] = [new Keyboard(), new RecordedTerminal()];
  return { keyboard, terminal, answers: askSecrets(keyboard, terminal.errors, ['One: ', 'Two: ']) };
}

test('shows the prompts and nothing that is typed', async () => {
  const { keyboard, terminal, answers } = asking();
  keyboard.type(
    's',
    'e',
    'x\u007f',
    'c\r',
    'wrong\u0015',
    Buffer.from('ö').subarray(0, 1),
    Buffer.from('ö').subarray(1),
  );
  keyboard.type('\n');
  assert.deepEqual(await answers, ['sec', 'ö']);
  assert.equal(terminal.err, 'One: \nTwo: \n');
  assert.deepEqual([keyboard.modes, keyboard.isRead, keyboard.listenerCount('data')], [[true, false], false, 0]);
});

test('lines that are pasted at once serve all prompts', async () => {
  const { keyboard, answers } = asking();
  keyboard.type('secret\rsecret\rmore');
  assert.deepEqual(await answers, ['secret', 'secret']);
});

test('Ctrl-C, Ctrl-D and the end of the input give up, and the terminal is as it was', async () => {
  for (const give of [
    (k: Keyboard) => k.type('a\u0003'),
    (k: Keyboard) => k.type('\u0004'),
    (k: Keyboard) => k.emit('end'),
  ]) {
    const { keyboard, terminal, answers } = asking();
    give(keyboard);
    await assert.rejects(answers, { exitCode: 3, message: /nothing was changed/ });
    assert.deepEqual([keyboard.modes, terminal.err], [[true, false], 'One: \n']);
  }
});

test('a password comes from a file, from a person twice, else from the input', async () => {
  const file = join(scratch, 'secret');
  writeFileSync(file, 'from file\r\nmore\n');
  assert.equal(await newPassword(new RecordedTerminal(['x']), file, 'ada'), 'from file');
  assert.equal(await newPassword(new RecordedTerminal(['fr', 'om pipe\nmore']), undefined, 'ada'), 'from pipe');
  assert.equal(await newPassword(new RecordedTerminal(['no newline ']), undefined, 'ada'), 'no newline ');
  const person = (...answers: string[]): Terminal =>
    Object.assign(new RecordedTerminal(), { askSecrets: async () => answers });
  assert.equal(await newPassword(person('p', 'p'), undefined, 'ada'), 'p');
  await assert.rejects(newPassword(person('p', 'q'), undefined, 'ada'), { exitCode: 1, message: /is another one$/ });
});

test('a password that is empty, too long or cannot be read is an error', async () => {
  for (const text of ['', '\n', '\r\nsecret'])
    await assert.rejects(newPassword(new RecordedTerminal([text]), undefined, 'ada'), {
      exitCode: 1,
      message: /empty/,
    });
  const long = new RecordedTerminal(['x'.repeat(65_536), 'x'.repeat(65_536)]);
  await assert.rejects(newPassword(long, undefined, 'ada'), { exitCode: 1, message: /at most 65535 bytes/ });
  await assert.rejects(newPassword(long, join(scratch, 'missing'), 'ada'), { exitCode: 3, message: /ENOENT/ });
});
