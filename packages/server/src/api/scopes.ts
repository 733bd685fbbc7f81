/** What an API key may be allowed, in one table. */
import type { OwnerSession } from './owner-sessions.ts';

export const SCOPES = {
  'devices:read': 'Read devices and their types, presence, commands, claims, and what is known of their credentials.',
  'devices:write': 'Add, change, remove and import devices.',
  'credentials:write': 'Issue, rotate and revoke tokens of devices.',
  'certificates:write': 'Issue, renew and revoke certificates of devices.',
  'commands:write': 'Send commands to devices, and cancel them.',
  'claims:write': 'Confirm the claims of devices, and refuse them.',
  'keys:write': 'List, make and delete API keys that may do no more than this one.',
  'audit:read': 'Read the audit log.',
} as const;

export type Scope = keyof typeof SCOPES;

export const SCOPE_NAMES = Object.keys(SCOPES) as readonly Scope[];

/** Who asks the API. */
export interface Caller {
  /** For the audit log and for events: `local`, `offline`, `key:ID`, `configured-key:NAME`, `owner:NAME`, or `public`. */
  readonly by: string;
  readonly scopes: ReadonlySet<Scope>;
  /** Empty where nobody came over the network. */
  readonly address: string;
  /** Of a user who is signed in. */
  readonly session?: OwnerSession;
}

/** `local`: by the control socket of a server, or its program; `offline`: the tool itself on a store that no server has. */
export type LocalName = 'local' | 'offline';

/** Whoever may use the files of the server may do everything. */
export function localCaller(by: LocalName): Caller {
  return { by, scopes: new Set(SCOPE_NAMES), address: '' };
}
