/** What the package offers: methods of authentication, and rules of what a client may do. */

export { type AnonymousOptions, anonymousMethod } from './anonymous.ts';
export { type CarriedAction, type CarriedRule, type CarriedRules, readCarriedRules } from './carried-rules.ts';
export { type AuthenticatorChain, authenticatorChain, type ChainOptions } from './chain.ts';
export {
  type ClientIdAudience,
  type ClientIdRule,
  type ClientIdRules,
  type ClientIdVerdict,
  clientIdRules,
} from './client-id-rules.ts';
export { type HttpMethod, type HttpOptions, httpMethod } from './http.ts';
export { type JwtMethod, type JwtOptions, jwtMethod } from './jwt.ts';
export type { Method } from './method.ts';
export { METHOD_EVENTS, type MethodEvent, type MethodEventName, type TellMethodEvent } from './method-events.ts';
export { isPasteable } from './pasteable.ts';
export type { RemoteKeySetOptions } from './remote-key-set.ts';
export { TOKEN_ALGORITHMS, type TokenAlgorithm, type TokenKey } from './token-keys.ts';
