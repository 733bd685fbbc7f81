/** What a listener decides about the connections that come through it. */
import type { ProtocolVersion } from '@dunlin/protocol';
import type { Authenticator } from './ports.ts';

export interface ListenerPolicy {
  /** For logs and events. */
  readonly name: string;
  /** Protocol versions served; undefined: all. */
  readonly versions?: readonly ProtocolVersion[];
  /** Asked instead of the broker's. */
  readonly authenticator?: Authenticator;
}

/** A ListenerPolicy with nothing left open. */
export interface Policy {
  readonly name: string;
  readonly versions: readonly ProtocolVersion[] | undefined;
  readonly authenticator: Authenticator;
}
