/** The tool in a pseudo-terminal, for what it does only there. Needs `python3`. */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A test that waits this long for output has failed. */
const PATIENCE_MS = 20_000;
const helper = fileURLToPath(new URL('pseudo-terminal.py', import.meta.url));
const main = fileURLToPath(new URL('../main.ts', import.meta.url));

/** `dunlin` with a terminal of its own; it is killed with `using`. */
export class PseudoTerminal implements Disposable {
  /** All that was written, with its control sequences. */
  text = '';
  readonly #process: ChildProcess;

  constructor(argv: readonly string[], { rows, columns }: { readonly rows: number; readonly columns: number }) {
    const tool = [process.execPath, '--conditions=@dunlin/source', main, ...argv];
    const environment = { ...process.env, TERM: 'xterm', NO_COLOR: '' };
    this.#process = spawn('python3', [helper, String(rows), String(columns), ...tool], { env: environment });
    this.#process.stdout?.setEncoding('utf8').on('data', (chunk) => {
      this.text += chunk;
    });
  }

  /** The lines that were drawn last on the second screen, without control sequences. */
  get view(): string[] {
    const drawn = this.text.slice(this.text.lastIndexOf('\x1b[H') + 3);
    return withoutControls(drawn).split(/\r?\n/);
  }

  resize(rows: number, columns: number): void {
    this.#process.stdin?.write(`size ${rows} ${columns}\n`);
  }

  type(keys: string): void {
    this.#process.stdin?.write(`type ${Buffer.from(keys).toString('hex')}\n`);
  }

  /** Waits until it is so. */
  async until(isSo: (terminal: this) => boolean): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    while (!isSo(this)) {
      assert.ok(performance.now() < deadline, `waited in vain, found ${JSON.stringify(this.text.slice(-2000))}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** The exit code of the tool. */
  async end(): Promise<number> {
    if (this.#process.exitCode === null) await once(this.#process, 'close');
    return this.#process.exitCode ?? -1;
  }

  [Symbol.dispose](): void {
    // The helper's end hangs the terminal up, and with it the tool.
    this.#process.kill('SIGKILL');
  }
}

/** Text without control sequences. */
export function withoutControls(text: string): string {
  return text.replace(/\x1b\[[?\d;]*[A-Za-z]/g, '');
}
