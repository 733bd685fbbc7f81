/** What a check of a probe is. */

import type { Properties } from '@dunlin/protocol';
import type { Attempt } from './visit.ts';

/** Yes, no, a number or a text. */
export type Value = boolean | number | string;

/** What came of trying. */
export interface Outcome {
  /** Undefined: it could not be told, or there is nothing to try; the note says why. */
  readonly tried: Value | undefined;
  readonly note?: string;
}

/** One thing to find out about a server. */
export interface Check {
  /** For programs. */
  readonly id: string;
  /** For people. */
  readonly what: string;
  /** True where only MQTT 5.0 has it. */
  readonly needs5?: boolean;
  /** What the properties of CONNACK say of it, with the defaults of the standard; MQTT 5.0. */
  readonly stated?: (properties: Properties) => Value | undefined;
  /** Finds out. Throws an obstacle where the server does not let it. */
  readonly find: (attempt: Attempt) => Promise<Outcome>;
}

/** It works. */
export const YES: Outcome = { tried: true };

/** It does not; the note says what was seen instead. */
export function no(note: string): Outcome {
  return { tried: false, note };
}

/** Nobody can tell; the note says why. */
export function unclear(note: string): Outcome {
  return { tried: undefined, note };
}
