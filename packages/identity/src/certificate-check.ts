/**
 * A second lock beside another method: where a listener asks for certificates in TLS, or has a proxy tell of them, one that
 * is shown has to be good, whatever else proves who the client is. TLS itself lets through what has expired or was
 * revoked, so that MQTT can say so.
 */
import type { AuthenticationRequest, AuthenticationResult, Awaitable, Principal, Refusal } from '@dunlin/broker';
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
 * everybody as long as there is no authority. The
 * certificate goes along with the principal, so that its revocation ends the connection.
 */
export function withCertificateCheck(method: Method, { registry, authorities }: CertificateCheckOptions): Method {
  return {
    name: method.name,
    authenticationMethods: method.authenticationMethods,
    authenticate(request: AuthenticationRequest): Awaitable<AuthenticationResult | undefined> {
      const { certificates } = request.peer;
      if (certificates === undefined || certificates.length === 0) return method.authenticate(request);
      const names = authorities ?? registry.names;
      if (names.length === 0) return method.authenticate(request);
      const found = registry.examine(certificates, names);
      if (found.problem !== undefined) return certificateRefusal(found.problem, problemDetail(found));
      const result = method.authenticate(request);
      const certified = (answer: AuthenticationResult | undefined): AuthenticationResult | undefined =>
        answer?.kind === 'accept'
          ? { ...answer, principal: { ...answer.principal, certificate: found.facts } }
          : answer;
      return result instanceof Promise ? result.then(certified) : certified(result);
    },
    review(principal: Principal): Refusal | undefined {
      const { certificate } = principal;
      const problem = certificate && registry.hasToGo(certificate);
      if (problem) return certificateRefusal(problem, certificateText(certificate));
      return method.review?.(principal);
    },
    close: () => method.close?.(),
  };
}
