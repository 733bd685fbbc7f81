/** What went wrong in a world: the first time that something was not as it must be. */

/** `Name`: of what must be true in the worlds of a simulation. */
export interface Violation<Name extends string = string> {
  readonly invariant: Name;
  readonly text: string;
  /** Milliseconds from the beginning of the world. */
  readonly atMs: number;
}

/** Keeps the first violation: what comes after it follows from it. */
export class Judge<Name extends string> {
  violation: Violation<Name> | undefined = undefined;
  readonly #elapsedMs: () => number;

  constructor(elapsedMs: () => number) {
    this.#elapsedMs = elapsedMs;
  }

  broken(invariant: Name, text: string): void {
    this.violation ??= { invariant, text, atMs: this.#elapsedMs() };
  }

  /** Records a violation unless `holds`. */
  check(holds: boolean, invariant: Name, text: () => string): void {
    if (!holds) this.broken(invariant, text());
  }
}
