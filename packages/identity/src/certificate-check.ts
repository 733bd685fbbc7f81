/**
 * A second lock beside another method: where a listener asks for certificates in TLS, or has a proxy tell of them, one that
 * is shown has to be good, whatever else proves who the client is. TLS itself lets through what has expired or was
 * revoked, so that MQTT can say so.
 */
import type {
  AuthenticationRequest,
  AuthenticationResult,
  Authenticator,
  Awaitable,
  CertificateFacts,
  Principal,
  Refusal,
} from '@dunlin/broker';
import type { Authorities } from './authorities.ts';
import { certificateRefusal, certificateText, problemDetail } from './certificate-method.ts';
import type { Method } from './method.ts';

export interface CertificateCheckOptions {
  readonly registry: Authorities;
  /** Names of the authorities whose certificates count. Default: all that the registry has when a client comes. */
  readonly authorities?: readonly string[];
}

/**
 * The method, which lets nobody in whose certificate does not count. Who shows none is the method's alone, and so is
 * everybody as long as there is no authority. The certificate goes along with the principal, so that its revocation ends
 * the connection.
 */
export function withCertificateCheck(method: Method, options: CertificateCheckOptions): Method {
  return {
    name: method.name,
    authenticationMethods: method.authenticationMethods,
    authenticate(request: AuthenticationRequest): Awaitable<AuthenticationResult | undefined> {
      const shown = shownCertificate(request, options);
      if (shown !== undefined && 'kind' in shown) return shown;
      const result = method.authenticate(request);
      if (shown === undefined) return result;
      const certified = (answer: AuthenticationResult | undefined): AuthenticationResult | undefined =>
        answer?.kind === 'accept' ? { ...answer, principal: { ...answer.principal, certificate: shown } } : answer;
      return result instanceof Promise ? result.then(certified) : certified(result);
    },
    review: (principal) => refusalOfShown(principal, options) ?? method.review?.(principal),
    close: () => method.close?.(),
  };
}

/** The same before an Authenticator of one's own, which is asked again by the principals that it made itself. */
export function guardCertificates(authenticator: Authenticator, options: CertificateCheckOptions): Authenticator {
  const made = new WeakMap<Principal, Principal>();
  return {
    supports: (method) => authenticator.supports(method),
    authenticate(request: AuthenticationRequest): Awaitable<AuthenticationResult> {
      const shown = shownCertificate(request, options);
      if (shown !== undefined && 'kind' in shown) return shown;
      const { current } = request;
      const result = authenticator.authenticate({ ...request, current: current && (made.get(current) ?? current) });
      if (shown === undefined) return result;
      const certified = (answer: AuthenticationResult): AuthenticationResult => {
        if (answer.kind !== 'accept') return answer;
        const principal = { ...answer.principal, certificate: shown };
        made.set(principal, answer.principal);
        return { ...answer, principal };
      };
      return result instanceof Promise ? result.then(certified) : certified(result);
    },
    review(principal: Principal, clientId: string): Refusal | undefined {
      const own = made.get(principal);
      const refusal = own && refusalOfShown(principal, options);
      return refusal ?? authenticator.review?.(own ?? principal, clientId);
    },
  };
}

/** What counts of the certificate that a client shows, or why it has to go; undefined where there is nothing to look at. */
function shownCertificate(
  { peer: { certificates } }: AuthenticationRequest,
  { registry, authorities = registry.names }: CertificateCheckOptions,
): CertificateFacts | Refusal | undefined {
  if (certificates === undefined || certificates.length === 0 || authorities.length === 0) return undefined;
  const found = registry.examine(certificates, authorities);
  return found.problem === undefined ? found.facts : certificateRefusal(found.problem, problemDetail(found));
}

function refusalOfShown({ certificate }: Principal, { registry }: CertificateCheckOptions): Refusal | undefined {
  const problem = certificate && registry.hasToGo(certificate);
  return problem && certificateRefusal(problem, certificateText(certificate));
}
