/** The Directory of a broker that is alone: every session is its own. */
import type { Directory } from '../ports.ts';

/** Grants every claim at once, because no other broker could own the session. */
export class LocalDirectory implements Directory {
  claim(_clientId: string): void {}

  release(_clientId: string): void {}
}
