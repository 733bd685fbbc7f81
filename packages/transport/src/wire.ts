/** A Wire: one Network Connection as ordered bytes in both directions (MQTT section 4.2). Every transport makes these. */

/** Who is at the other end, as far as the transport can tell. */
export interface Peer {
  /** Address in text, without a port; `memory` for an in-memory wire. */
  readonly address: string;
  /** 0 where the transport has no ports. */
  readonly port: number;
  /**
   * The certificates that the peer proved to have, in DER: its own first, then what it sent to support it. Whoever asks
   * a client for them checks them: the transport says only that the client has the key. Of a resumed TLS session only its own; of a
   * server only its own, and none of a resumed session.
   */
  readonly certificates?: readonly Uint8Array[];
  /** The name that a TLS client asked for (SNI). */
  readonly serverName?: string;
  /** Address of the trusted proxy that told all of this; undefined where the client came by itself. */
  readonly proxyAddress?: string;
}

/**
 * What the owner of a wire is told. All calls come from the event loop, never from inside a call on the wire,
 * except `drained`, which may come from inside `write`'s turn.
 */
export interface WireHandler {
  /** Bytes came. The chunk may be reused by the transport as soon as the call returns: copy what must live longer. */
  received(chunk: Uint8Array): void;
  /** The peer will send no more. The wire stays writable until `close`. */
  ended(): void;
  /** `pendingBytes` fell back to 0 after a `write` that could not be finished at once. */
  drained(): void;
  /** The wire is gone; nothing more is called. `error` where it broke, undefined where it was closed in order. */
  closed(error: Error | undefined): void;
}

export interface Wire {
  readonly peer: Peer;
  /** Bytes given to `write` which the operating system (or the other end, in memory) has not taken yet. */
  readonly pendingBytes: number;
  /** Sets who is told; may be called again with another. Nothing is read before. */
  open(handler: WireHandler): void;
  /**
   * Sends bytes. Returns true where they were taken at once and the buffer is the caller's again; false where the
   * wire keeps the buffer until `drained` (when all that was written has left) or `closed`. On a wire that is closed,
   * closing or broken the bytes are dropped and the answer is true; `closed` tells the rest.
   */
  write(bytes: Uint8Array): boolean;
  /** The owner has let the peer in (CONNACK was sent): limits for strangers end. Missing where a wire has none. */
  admitted?(): void;
  /** Stops and restarts reading; bytes already in the operating system wait there. */
  pause(): void;
  resume(): void;
  /**
   * Sends what was written, then closes both directions; gives up after `lingerMs` and destroys. What still comes is
   * dropped; of the handler only `closed` is called, without error if all that was written has left. Idempotent.
   */
  close(): void;
  /** Closes at once and drops what was not sent; only `closed` is called, without error. Idempotent. */
  destroy(): void;
}

/** Accepts wires at one address. */
export interface Listener {
  /** Where it listens, such as `127.0.0.1:1883`. */
  readonly address: string;
  readonly port: number;
  /** Stops and restarts accepting; waiting peers wait in the backlog. */
  pause(): void;
  resume(): void;
  /** Stops accepting for good. Settles when the address is free; open wires stay open. */
  close(): Promise<void>;
}
