/** What the client needs of its surroundings besides a wire: time, timers and random numbers. */

/** Time, timers and chance; a simulation or a test gives its own. */
export interface Environment {
  /** A steady clock, milliseconds; only differences mean something. */
  nowMs(): number;
  /** Milliseconds since 1970, for what outlives the process. */
  wallClockMs(): number;
  /** Calls once after so many milliseconds (0: in a later turn), unless the function returned was called before. */
  setTimer(ms: number, call: () => void): () => void;
  /** At least 0, less than 1. */
  random(): number;
  /** Bytes that nobody can guess. */
  randomBytes(count: number): Uint8Array;
}

/** The time of what is not to happen. */
export const NEVER_MS = Number.POSITIVE_INFINITY;
/** The longest that platforms wait; a longer timer would fire at once. */
export const TIMER_MS_MAX = 0x7fff_ffff;

/** The environment that Node, browsers and workers have alike. */
export const SYSTEM: Environment = {
  nowMs: () => performance.now(),
  wallClockMs: () => Date.now(),
  setTimer: (ms, call) => {
    const timer = setTimeout(call, Math.min(ms, TIMER_MS_MAX));
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
  randomBytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
};
