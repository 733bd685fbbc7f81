/** Runs so many things at once and no more; the others wait in line. */

/** The line. */
export class Turns {
  readonly #widthMax: number;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  /** At most `widthMax` run at once. */
  constructor(widthMax: number) {
    this.#widthMax = widthMax;
  }

  /** Runs it when its turn has come, and settles as it does. */
  async take<Result>(run: () => Promise<Result>): Promise<Result> {
    if (this.#running >= this.#widthMax) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running += 1;
    try {
      return await run();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}
