/** What the package offers: methods of authentication, and rules of what a client may do. */

export { type AnonymousOptions, anonymousMethod } from './anonymous.ts';
export {
  type ClientIdAudience,
  type ClientIdRule,
  type ClientIdRules,
  type ClientIdVerdict,
  clientIdRules,
} from './client-id-rules.ts';
export type { Method } from './method.ts';
export { isPasteable } from './pasteable.ts';
