/** Faults to put into what is simulated, each of which some named invariant must catch. */
import assert from 'node:assert/strict';
import type { Outcome } from './seeds.ts';

export interface Fault<Name extends string> {
  /** What it does that is broken. */
  readonly title: string;
  /** Any of these catches it: which one does so first depends on the world. */
  readonly caughtBy: readonly Name[];
  /** Puts the fault in; returns what takes it out. */
  readonly damage?: () => () => void;
  /** Of the worlds that are looked at, where what it breaks is rare. Default 1. */
  readonly firstSeed?: number;
}

// biome-ignore lint/suspicious/noExplicitAny: methods of any class are replaced.
export type Method = (this: any, ...parameters: any[]) => any;

/** Replaces a method of a class. `make` gets the true one, to be called on the same object. */
export function replace<T extends object>(
  prototype: T,
  name: keyof T & string,
  make: (original: Method) => Method,
): () => void {
  const original = prototype[name] as Method;
  Object.assign(prototype, { [name]: make(original) });
  return () => {
    Object.assign(prototype, { [name]: original });
  };
}

/**
 * The first world in which a fault shows is not always the first: so many are looked at.
 * @param simulate the world of this seed, with the fault in it
 */
export async function checkCaught<Name extends string>(
  { title, caughtBy, firstSeed = 1 }: Fault<Name>,
  worlds: number,
  simulate: (seed: number) => Promise<Outcome>,
): Promise<void> {
  for (let seed = firstSeed; seed < firstSeed + worlds; seed++) {
    const { violation } = await simulate(seed);
    if (violation === undefined) continue;
    assert.ok(
      caughtBy.some((name) => name === violation.invariant),
      `${title}: seed ${seed}: "${violation.invariant}" caught it: ${violation.text}`,
    );
    return;
  }
  assert.fail(`${title}: nothing was wrong in ${worlds} worlds`);
}
