/** What a service answers about a client, read strictly. */
import type { Principal } from '@dunlin/broker';
import { isReasonCodeAllowed, ReasonCode } from '@dunlin/protocol';
import { readAttributes, readGroups, readUsername } from './carried-facts.ts';
import { type CarriedRules, readCarriedRules } from './carried-rules.ts';
import { type JsonAnswer, parseJson } from './json-service.ts';

export interface ServiceAccept extends Pick<Principal, 'groups' | 'attributes' | 'expiresAtMs'> {
  readonly kind: 'accept';
  /** Undefined: the one of CONNECT. */
  readonly username: string | undefined;
  readonly claims: CarriedRules | undefined;
}

/** No answer at all where `isDown`, else one that is none. `error` quotes nothing. */
export interface ServiceFailure {
  readonly kind: 'failure';
  readonly isDown: boolean;
  readonly error: string;
}

export type ServiceAnswer =
  | ServiceAccept
  | { readonly kind: 'refuse'; readonly reasonCode: number }
  | { readonly kind: 'unknown' }
  | ServiceFailure;

const ACCEPT: ServiceAnswer = {
  kind: 'accept',
  username: undefined,
  groups: [],
  attributes: {},
  expiresAtMs: Infinity,
  claims: undefined,
};
const BY_STATUS: Readonly<Record<number, ServiceAnswer>> = {
  204: ACCEPT,
  401: { kind: 'refuse', reasonCode: ReasonCode.badUserNameOrPassword },
  403: { kind: 'refuse', reasonCode: ReasonCode.notAuthorized },
  404: { kind: 'unknown' },
};
/** Of a service, or a proxy before it, that cannot answer now; every status from 500 on says so too. */
const DOWN_STATUSES: readonly number[] = [408, 429];
const KEYS = ['result', 'username', 'groups', 'attributes', 'expiresAtMs', 'rules', 'reasonCode'];

/**
 * Reads an answer. JSON is `{"result": "accept" | "refuse" | "unknown"}`; beside `accept` there may be `username`,
 * `groups`, `attributes` (texts by name), `expiresAtMs` (wall clock, when the connection ends) and `rules` (a list, as
 * under `rules` of `readCarriedRules`), beside `refuse` a `reasonCode` of CONNACK. An unknown key is a failure, since
 * it may be a condition. `answers: 'status'` looks at the status only.
 */
export function readAnswer({ status, body }: JsonAnswer, answers: 'json' | 'status'): ServiceAnswer {
  if (Object.hasOwn(BY_STATUS, status)) return BY_STATUS[status];
  if (status >= 500 || DOWN_STATUSES.includes(status)) return failure(true, `status ${status} was answered`);
  if (status !== 200)
    return failure(false, `status 200, 204, 401, 403 or 404 is expected of the service, ${status} was found`);
  if (answers === 'status') return ACCEPT;
  try {
    return readJson(parseJson(body));
  } catch (error) {
    return failure(false, `the answer of the service cannot be used: ${(error as Error).message}`);
  }
}

function readJson(value: unknown): ServiceAnswer {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('an object is expected');
  if (!Object.keys(value).every((key) => KEYS.includes(key)))
    throw new Error(`no keys but ${KEYS.join(', ')} are expected`);
  const { result, username, groups, attributes, expiresAtMs, rules, reasonCode } = value as Record<string, unknown>;
  if (result === 'unknown') return { kind: 'unknown' };
  if (result === 'refuse') return { kind: 'refuse', reasonCode: readReasonCode(reasonCode) };
  if (result !== 'accept') throw new Error('"accept", "refuse" or "unknown" is expected as "result"');
  return {
    kind: 'accept',
    username: username === undefined ? undefined : readUsername(username),
    groups: groups === undefined ? [] : readGroups(groups),
    attributes: attributes === undefined ? {} : readAttributes(attributes),
    expiresAtMs: readEnd(expiresAtMs),
    claims: rules === undefined ? undefined : readCarriedRules({ rules }),
  };
}

function readReasonCode(value: unknown): number {
  // Of a wrong password above all: it counts as a guess.
  if (value === undefined) return ReasonCode.badUserNameOrPassword;
  const isRefusal = typeof value === 'number' && value >= 0x80 && value <= 0xff;
  if (isRefusal && isReasonCodeAllowed('connack', value, 'server')) return value;
  throw new Error('a Reason Code of CONNACK from 128 on is expected as "reasonCode"');
}

function readEnd(value: unknown): number {
  if (value === undefined) return Infinity;
  if (typeof value === 'number' && value > 0) return value;
  throw new Error('milliseconds since 1970 are expected as "expiresAtMs"');
}

function failure(isDown: boolean, error: string): ServiceFailure {
  return { kind: 'failure', isDown, error };
}
