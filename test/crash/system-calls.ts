/**
 * System calls of a process in the order in which they began and ended, as strace writes them down.
 *
 * The order can be trusted across threads: strace holds a thread at the begin and at the end of each call and writes the
 * line before it lets go. So a call whose end stands before the begin of another was over before that one had any effect.
 */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

export interface SystemCall {
  readonly name: string;
  /** The descriptor that is its first argument, -1 where that is none. */
  readonly descriptor: number;
  /** What that stands for: a path, or `TCP:[127.0.0.1:1883->127.0.0.1:40000]`. */
  readonly target: string;
  /** All arguments, strings among them as `"\x61…"`. */
  readonly parameters: string;
  /** Every string among the arguments, one behind the other: what a write writes. */
  readonly bytes: Buffer;
  /** Lines of the record, of all threads together; `ended` is Infinity where the process ended before it. */
  readonly began: number;
  readonly ended: number;
  /** -1 where it failed or did not end. */
  readonly result: number;
}

/** More than LMDB gives to one call, and than a socket takes of one. */
const STRING_BYTES_MAX = 4 * 1024 ** 2;

/** The command line that runs a program and writes the named system calls of all its threads into a file. */
export function straceCommand(names: readonly string[], log: string, program: readonly string[]): string[] {
  const strings = ['-xx', '-s', String(STRING_BYTES_MAX)];
  return ['strace', '-f', '-qq', '-yy', ...strings, '-e', `trace=${names.join()}`, '-o', log, ...program];
}

/**
 * Reads what `straceCommand` has written, calls in the order of their begin.
 * @throws Error where a line is none of strace, or a string in it is cut
 */
export async function readSystemCalls(log: string): Promise<SystemCall[]> {
  return systemCalls(createInterface({ input: createReadStream(log, 'latin1'), crlfDelay: Number.POSITIVE_INFINITY }));
}

/** The same of lines from anywhere. */
export async function systemCalls(lines: AsyncIterable<string> | Iterable<string>): Promise<SystemCall[]> {
  const calls: SystemCall[] = [];
  /** By thread: the call that it is in, and its place among the calls. */
  const open = new Map<string, { readonly text: string; readonly began: number; readonly place: number }>();
  let number = 0;
  for await (const line of lines) {
    number += 1;
    const [, thread, text] = /^(\d+) +(.*)$/.exec(line) ?? [];
    if (text === undefined) throw new Error(`line ${number} is none of strace: ${line.slice(0, 100)}`);
    if (text.startsWith('+++') || text.startsWith('---')) continue;
    const begun = /^(.*) <unfinished \.\.\.>$/.exec(text)?.[1];
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(text)?.[1];
    if (begun !== undefined) {
      open.set(thread, { text: begun, began: number, place: calls.length });
      calls.push(parsed(begun, number, Number.POSITIVE_INFINITY));
    } else if (resumed !== undefined) {
      const whole = open.get(thread);
      if (whole === undefined) throw new Error(`line ${number} goes on with a call that did not begin`);
      open.delete(thread);
      calls[whole.place] = parsed(whole.text + resumed, whole.began, number);
    } else calls.push(parsed(text, number, number));
  }
  return calls;
}

function parsed(text: string, began: number, ended: number): SystemCall {
  const open = text.indexOf('(');
  if (/"\.\.\./.test(text)) throw new Error(`line ${began} cuts a string off: more than ${STRING_BYTES_MAX} bytes`);
  // Aligned by blanks; "?" where the process ended in the call.
  const end = / *\) += (-?\d+|\?)[^"]*$/.exec(text);
  const parameters = text.slice(open + 1, end?.index);
  const [, descriptor = '-1', target = ''] = /^(\d+)<(.*?)>(?=,|$)/.exec(parameters) ?? [];
  const strings = parameters.match(/"(?:\\x[0-9a-f]{2})*"/g) ?? [];
  return {
    name: text.slice(0, open),
    descriptor: Number(descriptor),
    target: unescaped(target).toString(),
    parameters,
    bytes: Buffer.concat(strings.map((string) => unescaped(string.slice(1, -1)))),
    began,
    ended,
    result: end === null || end[1] === '?' ? -1 : Number(end[1]),
  };
}

/** `\x61` is a byte, everything else stands for itself. */
function unescaped(text: string): Buffer {
  return Buffer.from(
    text.replaceAll(/\\x([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  );
}
