/** What those who watch a connection know of it and of the world around it. */
import type { Limits, Write } from '@dunlin/broker';
import type { ConnectPacket, Packet, ProtocolVersion } from '@dunlin/protocol';
import type { BrokerJudge } from './invariants.ts';
import type { Link } from './network.ts';
import type { Oracle } from './oracle.ts';
import type { OracleSession } from './oracle-session.ts';

/** What an observer needs of its world. */
export interface Observed {
  readonly oracle: Oracle;
  readonly judge: BrokerJudge;
  readonly limits: Limits;
  /** Whether the store answers at once, always. */
  readonly isSynchronous: boolean;
  /** Whether the broker is being stopped. */
  readonly isStopping: boolean;
  /** Whether more waits than the broker may hold. */
  readonly isMemoryShort: boolean;
  nowMs(): number;
  isCommitted(write: Write): boolean;
  /** Of the broker's session under the identifier. */
  sessionNumber(clientId: string): number;
  /** The queue entry of the session that goes by the Packet Identifier is not yet committed. */
  isEnqueuePending(session: OracleSession, packetId: number): boolean;
  /** Numbers everything that is first sent. */
  nextOrder(): number;
  trace(link: Link, direction: '▶' | '◀', packet: Packet): void;
}

/** A connection, as far as it has come. */
export interface ObservedConnection {
  readonly link: Link;
  /** For people. */
  readonly label: string;
  readonly version: ProtocolVersion;
  readonly connect: ConnectPacket | undefined;
  /** From when the broker says that the client is connected. */
  readonly session: OracleSession | undefined;
}
