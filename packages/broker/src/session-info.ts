/** A session as an operator sees it. */
import type { Session } from './session.ts';

export interface SessionInfo {
  readonly clientId: string;
  readonly connected: boolean;
  readonly address: string | undefined;
  readonly username: string | undefined;
  readonly protocolVersion: number | undefined;
  /** Seconds. */
  readonly sessionExpiryInterval: number;
  readonly subscriptions: number;
  readonly queuedMessages: number;
  readonly inflightMessages: number;
}

export function infoOf(session: Session): SessionInfo {
  const owner = session.owner;
  return {
    clientId: session.clientId,
    connected: owner !== undefined,
    address: owner?.wire.peer.address,
    username: owner?.principal?.username ?? session.username,
    protocolVersion: owner?.protocolVersion,
    sessionExpiryInterval: session.sessionExpiryInterval,
    subscriptions: session.subscriptions?.size ?? 0,
    queuedMessages: session.queuedMessages,
    inflightMessages: session.inflightMessages,
  };
}
