/** A program that answers requests: `--exec` of `dunlin rr`. */

import { spawn } from 'node:child_process';
import { Turns } from './turns.ts';

/** Bounds of one run. */
export interface ProgramBounds {
  readonly timeoutMs: number;
  readonly outputBytesMax: number;
  /** Ends the program. */
  readonly signal: AbortSignal;
}

/**
 * Runs a program with `input` as its standard input and `MQTT_TOPIC` in its environment, and settles with what it printed.
 *
 * No shell takes part. Its standard error is that of this process. Rejects with what went wrong, after the program has
 * ended: it cannot be started, ends otherwise than with 0, takes too long or prints too much.
 */
export function programOutput(
  [program, ...parameters]: readonly string[],
  topic: string,
  input: Uint8Array,
  { timeoutMs, outputBytesMax, signal }: ProgramBounds,
): Promise<Uint8Array> {
  const attempt = `Cannot answer with "${program}"`;
  return new Promise((resolve, reject) => {
    const child = spawn(program, parameters, {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, MQTT_TOPIC: topic },
      killSignal: 'SIGKILL',
      signal,
    });
    // Not the timeout of spawn: that goes on after a program that could not be started.
    let late: NodeJS.Timeout | undefined;
    child.on('spawn', () => {
      late = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    });
    const chunks: Buffer[] = [];
    let bytes = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= outputBytesMax) chunks.push(chunk);
      else child.kill('SIGKILL');
    });
    // A program need not read what it is given.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    child.on('error', (error) => reject(new Error(`${attempt}: ${error.message}`)));
    child.on('close', (code, killedBy) => {
      clearTimeout(late);
      if (code === 0 && bytes <= outputBytesMax) return resolve(Buffer.concat(chunks));
      const tooMuch = `it printed more than ${outputBytesMax} bytes`;
      const end =
        killedBy === 'SIGKILL' ? `it took more than ${timeoutMs / 1000} s` : `it ended with ${code ?? killedBy}`;
      reject(new Error(`${attempt}: ${bytes > outputBytesMax ? tooMuch : end}`));
    });
  });
}

/** Bounds of all runs. */
export interface AnswererBounds extends ProgramBounds {
  readonly programsMax: number;
  /** Bytes of the requests whose programs run or wait for their turn. */
  readonly inputBytesMax: number;
}

/**
 * Answers each request with a run of the program; those above `programsMax` wait in line. Rejects as `programOutput` does,
 * and at once where too much waits.
 */
export function programAnswerer(
  command: readonly string[],
  bounds: AnswererBounds,
): (topic: string, input: Uint8Array) => Promise<Uint8Array> {
  const turns = new Turns(bounds.programsMax);
  let inputBytes = 0;
  return async (topic, input) => {
    if (inputBytes + input.length > bounds.inputBytesMax) {
      throw new Error(
        `Cannot answer with "${command[0]}": requests of ${inputBytes} bytes wait for it, at most ${bounds.inputBytesMax} may`,
      );
    }
    inputBytes += input.length;
    try {
      return await turns.take(() => programOutput(command, topic, input, bounds));
    } finally {
      inputBytes -= input.length;
    }
  };
}
