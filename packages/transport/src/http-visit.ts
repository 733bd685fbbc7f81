/** Somebody who speaks HTTP at a listener for WebSockets, as types that need no `ws`. */
import type { Peer } from './wire.ts';

/** What a listener knows of who sent a request for no WebSocket. */
export interface HttpVisit {
  /** The client, also behind a trusted proxy. */
  readonly peer: Peer;
  /** Whether the host that was asked for is a name of this server: no page of a name that was made to lead here asks. */
  readonly isOwnHost: boolean;
  /** Whether it comes from no browser, or from a page that may connect (`origins`). */
  readonly isFromAllowedOrigin: boolean;
}
