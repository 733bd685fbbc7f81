/** The words of the audit log, for its reference. */
import { AUDITED_ACTIONS } from '@dunlin/devices/configuration';

/** What the audit log calls changes, and what they are. */
export const AUDIT_ACTIONS = {
  ...AUDITED_ACTIONS,
  'key.add': 'An API key was made.',
  'key.remove': 'An API key was deleted.',
} as const;

/** Who makes changes: what stands in `by` of an entry. */
export const AUDIT_ACTORS = {
  'key:ID': 'A program with this API key.',
  'configured-key:NAME': 'A program with this API key of the configuration.',
  'owner:NAME': 'A user who is signed in at `/claim`, by the page or by `/api/v1/my`.',
  'claim:ID': 'A device that asks for a place, or collects what it gets: it has the secret of this claim.',
  'device:ID':
    'A device. `proof` says how it has shown that: `renewal token`, `certificate SERIAL` (in TLS), or, where it is registered as it comes, `certificate of AUTHORITY`.',
  public: 'Somebody who has shown nothing that counts: of what was refused alone.',
  local: 'The control socket of the server (`dunlin device`, `dunlin api-key`), or the program that it is part of.',
  offline: 'The tool itself, on data that no server has open.',
  service:
    'The service itself: what ran out of time, and what follows from a change, such as the revocation of the certificates of a device that was removed; `requestId` is that of the request that it follows from.',
} as const;
