/** Anonymous: the method that lets in who shows nothing. */
import { NOBODY } from '@dunlin/broker';
import type { Method } from './method.ts';

export interface AnonymousOptions {
  /** As the configuration calls this entry. */
  readonly name: string;
  /** Groups that everybody who comes in this way is in. Default: none. */
  readonly groups?: readonly string[];
  /** Whether who shows a user name, but no password, is let in as well. The name proves nothing and is forgotten. */
  readonly acceptsUsername?: boolean;
}

/**
 * Makes the method. Who comes in by it has no user name, so that no rule for a user is theirs, and shares the identity
 * `anonymous`: sessions of anonymous clients are not kept apart by more than their Client Identifiers.
 *
 * Says nothing of who shows a password, which another method has to judge; one of zero length counts as none.
 */
export function anonymousMethod(options: AnonymousOptions): Method {
  const { name, groups = [], acceptsUsername = false } = options;
  const principal = Object.freeze({ ...NOBODY, identity: 'anonymous', groups: Object.freeze([...groups]) });
  return {
    name,
    authenticate: ({ connect }) => {
      const showsPassword = connect.password !== undefined && connect.password.length > 0;
      const showsUsername = connect.username !== undefined && !acceptsUsername;
      const showsMethod = connect.properties.authenticationMethod !== undefined;
      if (showsPassword || showsUsername || showsMethod) return undefined;
      // A principal of its own for each: who keeps facts by principal must not mix them up.
      return { kind: 'accept', principal: { ...principal } };
    },
  };
}
