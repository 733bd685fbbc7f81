/** Every check of the broker itself by which a client is not let in or may not stay; Authenticators add words of their own. */
import { ReasonCode } from '@dunlin/protocol';
import type { Refusal } from './ports.ts';

export interface Check {
  /** What a 5.0 client gets, in CONNACK where not said otherwise; undefined: it is closed without an answer. */
  readonly reasonCode: number | undefined;
  readonly description: string;
}

export const CHECKS = {
  'connections-max': { reasonCode: undefined, description: 'The limit connectionsMax was reached.' },
  'connections-per-address-max': {
    reasonCode: undefined,
    description: 'The limit connectionsPerAddressMax was reached.',
  },
  'connect-timeout': { reasonCode: undefined, description: 'No CONNECT was handled within connectTimeoutMs.' },
  'connack-size': {
    reasonCode: undefined,
    description: 'CONNACK is above the Maximum Packet Size that the client asked for.',
  },
  'protocol-error': {
    reasonCode: ReasonCode.protocolError,
    description: 'What came broke a rule of the standard; the Reason Code (0x81, 0x82, 0x84, 0x95 …) says which.',
  },
  'internal-error': {
    reasonCode: ReasonCode.unspecifiedError,
    description: 'A fault of the broker itself, told as internalError.',
  },
  'protocol-version': {
    reasonCode: ReasonCode.unsupportedProtocolVersion,
    description: 'The listener does not serve this version of MQTT.',
  },
  draining: {
    reasonCode: ReasonCode.serverUnavailable,
    description: 'The server stops; 0x9C where it has a Server Reference.',
  },
  'client-id': {
    reasonCode: ReasonCode.clientIdentifierNotValid,
    description: 'A 3.x client without a Client Identifier did not ask for a clean session.',
  },
  'authentication-method': {
    reasonCode: ReasonCode.badAuthenticationMethod,
    description: 'Nobody supports the Authentication Method that CONNECT names.',
  },
  'authenticator-failed': {
    reasonCode: ReasonCode.serverUnavailable,
    description: 'The Authenticator failed, told as authenticatorFailed; DISCONNECT 0x89 of a connection that is open.',
  },
  'credential-expired': {
    reasonCode: ReasonCode.notAuthorized,
    description: 'The credential has ended: at CONNECT, or with DISCONNECT at that time.',
  },
  'session-bound': {
    reasonCode: ReasonCode.clientIdentifierNotValid,
    description:
      'The session of the Client Identifier belongs to another identity (bindSessions); DISCONNECT 0x87 for who ' +
      'authenticates again as somebody else.',
  },
  'will-qos': { reasonCode: ReasonCode.qosNotSupported, description: 'The Will QoS is above Maximum QoS.' },
  'will-retain': { reasonCode: ReasonCode.retainNotSupported, description: 'Will Retain, where nothing is retained.' },
  'will-topic': {
    reasonCode: ReasonCode.topicNameInvalid,
    description: 'The Will Topic is not valid, reserved, too long or too deep.',
  },
  'will-permission': { reasonCode: ReasonCode.notAuthorized, description: 'The client may not leave such a will.' },
  'will-memory': {
    reasonCode: ReasonCode.quotaExceeded,
    description: 'The limit heldBytesMax leaves no room for a will.',
  },
  'connections-per-username-max': {
    reasonCode: ReasonCode.quotaExceeded,
    description: 'The limit connectionsPerUsernameMax was reached.',
  },
  'sessions-max': { reasonCode: ReasonCode.quotaExceeded, description: 'The limit sessionsMax was reached.' },
  'session-name-bytes-max': {
    reasonCode: ReasonCode.quotaExceeded,
    description: 'The limit sessionNameBytesMax leaves no room for the names of the session.',
  },
  'sessions-per-username-max': {
    reasonCode: ReasonCode.quotaExceeded,
    description: 'The limit sessionsPerUsernameMax was reached.',
  },
  'store-room': {
    reasonCode: ReasonCode.quotaExceeded,
    description: 'The room of the store is below storeFreeBytesMin: no new session that is stored, and no will.',
  },
} as const satisfies Record<string, Check>;

export type CheckName = keyof typeof CHECKS;

/** Checks that a client can be told of. */
export type AnsweredCheck = {
  [name in CheckName]: (typeof CHECKS)[name]['reasonCode'] extends number ? name : never;
}[CheckName];

/** The refusal of a check with its Reason Code, or with another. `reason` goes to the client, `detail` to operators. */
export function refusalBy(
  check: AnsweredCheck,
  reason: string,
  more: { readonly reasonCode?: number; readonly detail?: string } = {},
): Refusal {
  return { kind: 'refuse', reasonCode: CHECKS[check].reasonCode, check, reason, ...more };
}

/** More names than any configuration has; beyond them an Authenticator makes up words, which shall cost no memory. */
const NAMES_MAX = 200;

/** How many clients were not let in, or had to go, by the check that failed: `other` from the 201st word on. */
export class RefusalCounts {
  readonly #counts = new Map<string, number>();

  count(check: string): void {
    const name = this.#counts.has(check) || this.#counts.size < NAMES_MAX ? check : 'other';
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  /** Counts since the start, by check. */
  get byCheck(): ReadonlyMap<string, number> {
    return this.#counts;
  }
}
