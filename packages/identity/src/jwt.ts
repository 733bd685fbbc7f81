/** JWT: the method for clients that show a signed token as password, or as user name. */
import {
  type AuthenticationRequest,
  type AuthenticationResult,
  type Clock,
  NOBODY,
  type Principal,
  type Refusal,
} from '@dunlin/broker';
import { ReasonCode } from '@dunlin/protocol';
import { errors, type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose';
import { readAttributes, readGroups, readUsername } from './carried-facts.ts';
import { type CarriedRules, readCarriedRules } from './carried-rules.ts';
import { keyFingerprint } from './key-fingerprint.ts';
import type { Method } from './method.ts';
import type { TellMethodEvent } from './method-events.ts';
import { type TokenAlgorithm, type TokenHeader, type TokenKey, type TokenKeys, tokenKeys } from './token-keys.ts';

export interface JwtOptions {
  /** As the configuration calls this entry. */
  readonly name: string;
  readonly clock: Clock;
  readonly keys: readonly TokenKey[];
  readonly algorithms: readonly TokenAlgorithm[];
  /** Where the token is. Default `password`. */
  readonly from?: 'password' | 'username';
  /** Whose tokens are taken (`iss`); false for anybody's. */
  readonly issuer: string | readonly string[] | false;
  /** For whom a token must be (`aud`), one of these; false for anybody. */
  readonly audience: string | readonly string[] | false;
  /** Whether a token must end (`exp`). Default true. */
  readonly mustExpire?: boolean;
  /** Milliseconds by which clocks may differ. Default 5000. */
  readonly clockToleranceMs?: number;
  /** Milliseconds for which a token counts after it was issued (`iat`, which it then must have). Default: for ever. */
  readonly maxAgeMs?: number;
  /**
   * Claims that must equal a value; in a text `{username}` or `%u`, and `{clientId}` or `%c`, stand for what CONNECT
   * says. Default: none, and the user name that CONNECT shows counts for nothing.
   */
  readonly claims?: Readonly<Record<string, string | number | boolean>>;
  /** The claim that is the user name. Default `sub`. Claims inside of others are written `realm_access.roles`. */
  readonly usernameClaim?: string;
  /** The claim with the groups: a list of texts, or one. A token without it has none. */
  readonly groupsClaim?: string;
  /** Attributes and the claim that each comes from. A token without the claim lacks the attribute. */
  readonly attributeClaims?: Readonly<Record<string, string>>;
  /** The claim with rules, as `readCarriedRules` takes them; false to pass over rules. Default `acl`. */
  readonly rulesClaim?: string | false;
  /** Bytes of a token. Default 8192. */
  readonly tokenBytesMax?: number;
  readonly tell?: TellMethodEvent;
}

export interface JwtMethod extends Method {
  /**
   * Reads key files again; what it returns puts these keys in force, and a review refuses whose key is none of them. Throws
   * where one cannot be used.
   */
  prepareReload(keys: readonly TokenKey[]): () => void;
  /** Whether the key that signed the token still counts; what the token says was looked at when it was shown. */
  review(principal: Principal): Refusal | undefined;
  close(): void;
}

/** Goes with the principal, through whatever is made of it, and shows the fingerprint of the key in no text. */
const KEY = Symbol('key');
const TOKEN_BYTES_MAX = 8192;
const CLOCK_TOLERANCE_MS = 5_000;
/** A header in Base64url: the first character of JSON's "{", and one of those that its second can be. */
const TOKEN_START = /^e[w-z0-9_-]/;
const TOKEN_SHAPE = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/;

/**
 * Makes the method. Throws an `Error` for keys or options that cannot be used.
 *
 * Says nothing of a client whose password is not shaped like a token. Refuses a token that does not count with one of
 * the checks `token-size`, `token-malformed`, `token-algorithm`, `token-key`, `token-signature` (0x86),
 * `token-expired`, `token-not-yet`, `token-age`, `token-audience`, `token-issuer`, `token-claim`, `token-username`,
 * `token-rules` (0x87), `token-keys-unavailable` (0x88). No event, error or refusal holds any of the
 * token but when it ended.
 *
 * The connection ends when the token does. Its rules become `Principal.claims`.
 */
export function jwtMethod(options: JwtOptions): JwtMethod {
  const { name, clock, tell = () => {} } = options;
  const keys = tokenKeys(options.keys, options.algorithms, { method: name, clock, tell });
  return {
    name,
    authenticate: (request) => {
      const token = shownToken(request, options);
      if (typeof token === 'object') return token;
      return token === undefined ? undefined : judge(token, request, options, keys);
    },
    prepareReload: (next) => keys.prepareReload(next),
    review: (principal) =>
      keys.holds((principal as Partial<Admitted>)[KEY] ?? '')
        ? undefined
        : refusal('token-key', 'the key that signed the token no longer counts', ReasonCode.notAuthorized),
    close: () => keys.close(),
  };
}

/** The token that a client shows, undefined for none, or the refusal of what is too large for one. */
function shownToken({ connect }: AuthenticationRequest, options: JwtOptions): string | Refused | undefined {
  const { from = 'password', tokenBytesMax = TOKEN_BYTES_MAX } = options;
  const shown = from === 'password' ? connect.password : connect.username;
  if (shown === undefined) return undefined;
  const text = typeof shown === 'string' ? shown : Buffer.from(shown).toString('latin1');
  if (!TOKEN_START.test(text) || text.split('.', 4).length !== 3) return undefined;
  if (text.length > tokenBytesMax) return refusal('token-size', `a token of up to ${tokenBytesMax} bytes is expected`);
  return TOKEN_SHAPE.test(text) ? text : undefined;
}

async function judge(
  token: string,
  request: AuthenticationRequest,
  options: JwtOptions,
  keys: TokenKeys,
): Promise<AuthenticationResult> {
  const header = readHeader(token);
  if (header === undefined) return refusal('token-malformed', 'a header in JSON is expected');
  if (!isAllowed(header, options.algorithms))
    return refusal('token-algorithm', `one of ${options.algorithms.join(', ')} is expected`);
  let candidates: Awaited<ReturnType<TokenKeys['candidates']>>;
  try {
    candidates = await keys.candidates(header);
  } catch {
    return refusal('token-keys-unavailable', 'no keys can be fetched', ReasonCode.serverUnavailable);
  }
  if (candidates.length === 0) return refusal('token-key', 'the key that signed it is not known');
  for (const key of candidates) {
    try {
      const { payload } = await jwtVerify(token, key, verification(options));
      return admit(payload, keyFingerprint(key), request, options);
    } catch (error) {
      if (!(error instanceof errors.JWSSignatureVerificationFailed)) return refusalOf(error);
    }
  }
  return refusal('token-signature', 'no key that is known has signed it');
}

function readHeader(token: string): { readonly alg: unknown; readonly kid: string | undefined } | undefined {
  try {
    const header: unknown = JSON.parse(Buffer.from(token.slice(0, token.indexOf('.')), 'base64url').toString());
    const { alg, kid } = header as { readonly alg: unknown; readonly kid: unknown };
    return kid === undefined || typeof kid === 'string' ? { alg, kid } : undefined;
  } catch {
    return undefined;
  }
}

function isAllowed(header: { readonly alg: unknown }, algorithms: readonly TokenAlgorithm[]): header is TokenHeader {
  return algorithms.includes(header.alg as TokenAlgorithm);
}

function verification(options: JwtOptions): JWTVerifyOptions {
  const { algorithms, issuer, audience, mustExpire = true, maxAgeMs, clock } = options;
  return {
    algorithms: [...algorithms],
    ...(issuer === false ? {} : { issuer: [issuer].flat() }),
    ...(audience === false ? {} : { audience: [audience].flat() }),
    ...(maxAgeMs === undefined ? {} : { maxTokenAge: maxAgeMs / 1000 }),
    requiredClaims: mustExpire ? ['exp'] : [],
    clockTolerance: toleranceMs(options) / 1000,
    currentDate: new Date(clock.nowMs()),
  };
}

const CLAIM_CHECKS: Readonly<Record<string, string>> = {
  exp: 'token-expired',
  nbf: 'token-not-yet',
  iat: 'token-age',
  aud: 'token-audience',
  iss: 'token-issuer',
};

/** What jose found wrong, without its words, which may quote. */
function refusalOf(error: unknown): Refused {
  if (error instanceof errors.JWTExpired || error instanceof errors.JWTClaimValidationFailed) {
    const check = Object.hasOwn(CLAIM_CHECKS, error.claim) ? CLAIM_CHECKS[error.claim] : 'token-claim';
    return refusal(check, claimText(error), ReasonCode.notAuthorized);
  }
  if (error instanceof errors.JOSEError) return refusal('token-malformed', `jose: ${error.code}`);
  throw error;
}

/** Of the token only when it ended, which tells a clock that is wrong from a device that did not renew. */
function claimText(error: errors.JWTExpired | errors.JWTClaimValidationFailed): string {
  const { claim, reason, payload } = error;
  if (reason === 'missing') return `the claim "${claim}" is missing`;
  const ended = error instanceof errors.JWTExpired ? new Date(Number(payload.exp) * 1000) : undefined;
  // A number that is no time of the calendar has no text.
  if (ended === undefined || Number.isNaN(ended.getTime())) return `the claim "${claim}" does not hold`;
  return `it ended at ${ended.toISOString()}`;
}

type Admitted = Principal & { readonly [KEY]: string };

function admit(
  payload: JWTPayload,
  key: string,
  { connect }: AuthenticationRequest,
  options: JwtOptions,
): AuthenticationResult {
  for (const [claim, expected] of Object.entries(options.claims ?? {})) {
    const { username } = connect;
    const shown = { clientId: connect.clientId, username: options.from === 'username' ? undefined : username };
    const wanted = filled(expected, shown);
    if (wanted === undefined || claimAt(payload, claim) !== wanted)
      return refusal('token-claim', `the claim "${claim}" is not what is expected`, ReasonCode.notAuthorized);
  }
  const facts = readFacts(payload, options);
  if ('kind' in facts) return facts;
  const principal: Admitted = {
    ...NOBODY,
    ...facts,
    [KEY]: key,
    identity: `${options.name}:${facts.username}`,
    expiresAtMs: endOf(payload, options),
  };
  return { kind: 'accept', principal };
}

type Facts = Pick<Principal, 'username' | 'groups' | 'attributes'> & { readonly claims: CarriedRules | undefined };

function readFacts(payload: JWTPayload, options: JwtOptions): Facts | Refused {
  const { usernameClaim = 'sub', groupsClaim, attributeClaims = {}, rulesClaim = 'acl' } = options;
  let check = 'token-username';
  try {
    const username = readUsername(claimAt(payload, usernameClaim));
    check = 'token-claim';
    const groups = groupsClaim === undefined ? undefined : claimAt(payload, groupsClaim);
    const attributes = Object.entries(attributeClaims)
      .map(([name, claim]) => [name, claimAt(payload, claim)] as const)
      .filter(([, value]) => value !== undefined);
    const facts = {
      username,
      groups: groups === undefined ? [] : readGroups(groups),
      attributes: readAttributes(Object.fromEntries(attributes)),
    };
    check = 'token-rules';
    const rules = rulesClaim === false ? undefined : claimAt(payload, rulesClaim);
    return { ...facts, claims: rules === undefined ? undefined : readCarriedRules(rules) };
  } catch (error) {
    return refusal(check, (error as Error).message, ReasonCode.notAuthorized);
  }
}

/** A claim by its name, or along the names between dots; undefined where there is none. */
function claimAt(payload: JWTPayload, path: string): unknown {
  if (Object.hasOwn(payload, path)) return payload[path];
  let value: unknown = payload;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

/** Undefined where a variable has no value. */
function filled(
  expected: string | number | boolean,
  { username, clientId }: { readonly username: string | undefined; readonly clientId: string },
): string | number | boolean | undefined {
  if (typeof expected !== 'string') return expected;
  const needsUsername = /%u|\{username\}/.test(expected);
  if (needsUsername && (username === undefined || username === '')) return undefined;
  return expected.replace(/%u|%c|\{username\}|\{clientId\}/g, (variable) =>
    variable === '%u' || variable === '{username}' ? (username ?? '') : clientId,
  );
}

/** When the connection ends: with `exp`, and with the age that a token may have. */
function endOf({ exp, iat }: JWTPayload, options: JwtOptions): number {
  const ends = exp === undefined ? Infinity : exp * 1000;
  const ages = iat === undefined || options.maxAgeMs === undefined ? Infinity : iat * 1000 + options.maxAgeMs;
  return Math.min(ends, ages) + toleranceMs(options);
}

function toleranceMs({ clockToleranceMs = CLOCK_TOLERANCE_MS }: JwtOptions): number {
  return clockToleranceMs;
}

type Refused = AuthenticationResult & { readonly kind: 'refuse' };

function refusal(check: string, detail: string, reasonCode: number = ReasonCode.badUserNameOrPassword): Refused {
  return { kind: 'refuse', reasonCode, check, detail };
}
