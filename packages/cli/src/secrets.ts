/** Passwords from a person at a terminal, a file or a pipe; never from the command line, which everybody can read. */

import { readFile } from 'node:fs/promises';
import { localError, usageError } from './exit-codes.ts';
import { systemReason } from './system-reason.ts';
import type { Terminal } from './terminal.ts';

/** What a CONNECT can carry. */
const PASSWORD_BYTES_MAX = 65_535;

/** The part of a terminal's input that is needed here. */
export interface RawInput {
  setRawMode(isRaw: boolean): unknown;
  on(event: 'data', call: (chunk: Buffer) => void): unknown;
  on(event: 'end', call: () => void): unknown;
  off(event: 'data' | 'end', call: (chunk: Buffer) => void): unknown;
  resume(): unknown;
  pause(): unknown;
}

/**
 * The password for a new credential: the first line of the file, else what a person types twice, else the first line of
 * the input. Throws a local error where it cannot be read, a usage error where there is none or it is too long.
 */
export async function newPassword(terminal: Terminal, file: string | undefined, whose: string): Promise<string> {
  if (file !== undefined) return checked(await secretOfFile(file, 'the password'));
  if (terminal.askSecrets === undefined) return checked(await secretOfInput(terminal));
  const [password, again] = await terminal.askSecrets([`Password for ${whose}: `, 'The same again: ']);
  if (password !== again) throw usageError('Cannot use the password: the second one is another one');
  return checked(password);
}

/** The first line of the input, whatever it is; a person is asked for it by the prompt, and does not see it. */
export async function secretLine(terminal: Terminal, prompt: string): Promise<string> {
  return terminal.askSecrets === undefined ? secretOfInput(terminal) : (await terminal.askSecrets([prompt]))[0];
}

async function secretOfInput({ input }: Terminal): Promise<string> {
  return firstLine(await inputOf(input));
}

/** Asks at a terminal. Lines that are typed or pasted ahead serve the prompts that follow. */
export async function askSecrets(
  input: RawInput,
  output: NodeJS.WritableStream,
  prompts: readonly string[],
): Promise<string[]> {
  const secrets: string[] = [];
  const decoder = new TextDecoder();
  let typed: string[] = [];
  // First: who is quick would otherwise see the beginning of the password.
  input.setRawMode(true);
  output.write(prompts[0]);
  let take: (chunk: Buffer) => void = () => {};
  let end: () => void = () => {};
  try {
    await new Promise<void>((resolve, reject) => {
      end = () => reject(localError('Cannot read the password: the input ended, nothing was changed'));
      const press = (key: string): void => {
        if (secrets.length === prompts.length) return;
        if (key === '\u0003' || key === '\u0004') end();
        else if (key === '\u007f' || key === '\b') typed.pop();
        else if (key === '\u0015') typed = [];
        else if (key !== '\r' && key !== '\n') typed.push(key);
        else {
          secrets.push(typed.join(''));
          typed = [];
          output.write('\n');
          if (secrets.length === prompts.length) resolve();
          else output.write(prompts[secrets.length]);
        }
      };
      take = (chunk) => {
        for (const key of decoder.decode(chunk, { stream: true })) press(key);
      };
      input.on('data', take);
      input.on('end', end);
      input.resume();
    });
  } finally {
    input.off('data', take);
    input.off('end', end);
    input.setRawMode(false);
    input.pause();
    if (secrets.length < prompts.length) output.write('\n');
  }
  return secrets;
}

/** The first line of a file. Rejects with a local error that says what was to be read. */
export async function secretOfFile(file: string, what: string): Promise<string> {
  try {
    return firstLine(await readFile(file));
  } catch (error) {
    throw localError(`Cannot read ${what} from ${file}: ${systemReason(error)}`);
  }
}

/** Enough of the input for one line. */
async function inputOf(input: AsyncIterable<Uint8Array>): Promise<Buffer> {
  let bytes = Buffer.alloc(0);
  for await (const chunk of input) {
    bytes = Buffer.concat([bytes, chunk]);
    if (bytes.includes('\n') || bytes.length > PASSWORD_BYTES_MAX + 2) break;
  }
  return bytes;
}

function firstLine(bytes: Buffer): string {
  const end = bytes.indexOf('\n');
  const line = (end < 0 ? bytes : bytes.subarray(0, end)).toString();
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}

function checked(password: string): string {
  const length = Buffer.byteLength(password);
  if (length === 0) throw usageError('Cannot use the password: it is empty, at least one character is expected');
  if (length <= PASSWORD_BYTES_MAX) return password;
  throw usageError(`Cannot use the password: at most ${PASSWORD_BYTES_MAX} bytes are expected, more than MQTT carries`);
}
