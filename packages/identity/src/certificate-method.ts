/** The method for clients that prove a certificate: by mutual TLS, or told by a proxy that is trusted. */
import {
  type AuthenticationRequest,
  type AuthenticationResult,
  type CertificateFacts,
  NOBODY,
  type Principal,
  type Refusal,
} from '@dunlin/broker';
import type { Authorities, CertificateProblem, IssuedCertificate, UnprovenCertificate } from './authorities.ts';
import type { Method } from './method.ts';

export interface CertificateMethodOptions {
  /** As the configuration calls this entry; without `:`, so that identities made of it are unambiguous. */
  readonly name: string;
  readonly registry: Authorities;
  /**
   * Names of the authorities whose certificates count; those of others are left to the next method. One that the
   * registry does not have issues nothing. Default: all that the registry has when a client comes.
   */
  readonly authorities?: readonly string[];
  /** Where in the certificate the user's name stands. Default: `cn`, the only Common Name. */
  readonly username?: 'cn' | 'san-dns' | 'san-uri' | 'san-email';
  /**
   * What of CONNECT must be that name, letter by letter: the User Name, the Client Identifier, or nothing; then the
   * name is that of the certificate, whatever CONNECT says. Default: `username`.
   */
  readonly match?: 'username' | 'clientId' | 'none';
}

const NOT_AUTHORIZED = 0x87;
const SENT_CHARACTERS_MAX = 64;
/** What a 5.0 client is told; of the rest it learns only the code. */
const REASONS: Readonly<Partial<Record<CertificateProblem, string>>> = {
  expired: 'the certificate has expired',
  'not-yet-valid': 'the certificate is not valid yet',
  revoked: 'the certificate was revoked',
};

/**
 * A name counts whatever the CONNECT packet's password is; without a certificate the method says nothing of anyone. The
 * connection ends when the certificate does.
 */
export function certificateMethod(options: CertificateMethodOptions): Method {
  const { name, registry, authorities } = options;
  if (name === '' || name.includes(':'))
    throw new TypeError(`Cannot name a method "${name}": a name without ":" is expected`);
  if (authorities?.length === 0)
    throw new TypeError(`Cannot use the method ${name}: its list of authorities is empty; a name is expected`);
  return {
    name,
    authenticate(request: AuthenticationRequest): AuthenticationResult | undefined {
      const { certificates } = request.peer;
      if (certificates === undefined || certificates.length === 0) return undefined;
      const found = registry.examine(certificates, authorities ?? registry.names);
      if (found.problem === 'foreign') return undefined;
      if (found.problem !== undefined) return certificateRefusal(found.problem, problemDetail(found));
      const username = nameIn(found, options, request);
      if (typeof username !== 'string') return username;
      return { kind: 'accept', principal: principal(found, username, `${name}:${found.facts.authority}/${username}`) };
    },
    review({ certificate }: Principal): Refusal | undefined {
      const problem = certificate && registry.hasToGo(certificate);
      return problem && certificateRefusal(problem, certificateText(certificate));
    },
  };

  function principal(found: IssuedCertificate, username: string, identity: string): Principal {
    return { ...NOBODY, username, identity, certificate: found.facts, expiresAtMs: found.notAfterMs };
  }
}

/** The name that the certificate gives the client, where CONNECT agrees. */
function nameIn(
  found: IssuedCertificate,
  options: CertificateMethodOptions,
  request: AuthenticationRequest,
): string | Refusal {
  const { username: kind = 'cn', match = 'username' } = options;
  const names = namesOf(found, kind);
  const where = kind === 'cn' ? 'Common Name' : `Subject Alternative Name (${kind.slice(4)})`;
  if (names.length === 0) return certificateRefusal('name', `it has no single, readable ${where}`);
  const { username, clientId } = request.connect;
  if (match === 'none') {
    if (names.length === 1) return names[0];
    return certificateRefusal('name', `it has ${names.length} of the kind ${where}; one is expected`);
  }
  const shown = match === 'username' ? username : clientId;
  if (shown !== undefined && shown !== '' && names.includes(shown)) return shown;
  const what = match === 'username' ? 'User Name' : 'Client Identifier';
  const check = match === 'username' ? 'username' : 'client-id';
  return certificateRefusal(
    check,
    `its ${where} is ${JSON.stringify(names[0])}, the client sent ${sentText(shown)}`,
    `the ${what} is not the name in the certificate`,
  );
}

function namesOf({ facts, subjectAltNames }: IssuedCertificate, kind: string): readonly string[] {
  switch (kind) {
    case 'san-dns':
      return subjectAltNames.dns;
    case 'san-uri':
      return subjectAltNames.uri;
    case 'san-email':
      return subjectAltNames.email;
    default:
      return facts.commonName === undefined ? [] : [facts.commonName];
  }
}

/** Longer ones are counted: they may be tokens. */
function sentText(shown: string | undefined): string {
  if (shown === undefined || shown === '') return 'none';
  return shown.length > SENT_CHARACTERS_MAX ? `one of ${shown.length} characters` : JSON.stringify(shown);
}

/** For operators. */
export function certificateText({ commonName, serial, authority }: CertificateFacts): string {
  const whose = commonName === undefined ? '' : `Common Name ${JSON.stringify(commonName)}, `;
  return `${whose}serial number ${serial} of ${authority}`;
}

/** What is wrong with a certificate and, where an authority vouches for it, whose it is. */
export function problemDetail({ facts, detail }: IssuedCertificate | UnprovenCertificate): string | undefined {
  if (facts?.commonName === undefined) return detail;
  const whose = `Common Name ${JSON.stringify(facts.commonName)}`;
  return detail === undefined ? whose : `${whose}: ${detail}`;
}

/** Why a certificate does not let its client in. `detail` is for operators, `reason` for a client of 5.0. */
export function certificateRefusal(
  problem: CertificateProblem | 'name' | 'username' | 'client-id',
  detail: string | undefined,
  reason = REASONS[problem as CertificateProblem] ?? 'the certificate is not accepted',
): Refusal {
  return { kind: 'refuse', reasonCode: NOT_AUTHORIZED, check: `certificate-${problem}`, detail, reason };
}
