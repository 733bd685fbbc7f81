/**
 * Who left a will, as the store keeps it: what rules ask of a client, so that they can be asked again after a restart.
 * When the credential ended is not kept: a will may go out after that.
 */
import { NOBODY } from './memory/anonymous.ts';
import type { Principal, SessionRecord } from './ports.ts';

/** JSON for `WillRecord.owner`; undefined where an Authenticator gave what JSON cannot hold. */
export function ownerText({ expiresAtMs: _, ...owner }: Principal): string | undefined {
  try {
    return JSON.stringify(owner);
  } catch {
    return undefined;
  }
}

/**
 * The principal of a text that `ownerText` made. Without one that of a session which belongs to nobody; undefined where
 * nobody can know who it was.
 */
export function ownerOf(
  text: string | undefined,
  { username, identity }: Pick<SessionRecord, 'username' | 'identity'>,
): Principal | undefined {
  if (text === undefined) return username === undefined && identity === undefined ? NOBODY : undefined;
  try {
    return { ...NOBODY, ...(JSON.parse(text) as Partial<Principal>) };
  } catch {
    return undefined;
  }
}
