/** The audit log of a server: every table that the device service and the API open writes its changes down in it. */
import type { Clock } from '@dunlin/broker';
import {
  AUDIT_TABLE,
  AUDITED_ACTIONS,
  AuditLog,
  auditedTables,
  type ChangeOf,
  DEVICE_CHANGES,
  type DeviceEvent,
  NO_CHANGE,
  Refusals,
  type Tables,
} from '@dunlin/devices';
import { ANSWERED_TABLE } from './api/answered-requests.ts';
import { API_KEYS_TABLE, type ApiKey } from './api/api-keys.ts';
import type { ServerEvent } from './events.ts';

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

const ofKey: ChangeOf<ApiKey> = (before, after, id) => {
  if (before === undefined) return after && { action: 'key.add', target: id, after: shownKey(after) };
  // That it was used is no change.
  return after === undefined ? { action: 'key.remove', target: id, before: shownKey(before) } : undefined;
};

function shownKey({ name, scopes, expiresAtMs }: ApiKey) {
  return { name, scopes, ...(expiresAtMs !== undefined && { expiresAtMs }) };
}

/** By the name of the table. */
export const SERVER_CHANGES: Readonly<Record<string, ChangeOf<never>>> = {
  ...DEVICE_CHANGES,
  [API_KEYS_TABLE.name]: ofKey,
  // What was done stands there already.
  [ANSWERED_TABLE.name]: NO_CHANGE,
};

export interface AuditParts {
  readonly tables: Tables;
  readonly clock: Clock;
  readonly entriesMax: number;
  readonly tell: (event: ServerEvent) => void;
}

export interface ServerAudit {
  readonly log: AuditLog;
  /** In place of those that it was opened on. */
  readonly tables: Tables;
  /** Has to be told of every event of devices. */
  told(event: DeviceEvent): void;
  close(): Promise<void>;
}

export async function openAudit({ tables, clock, entriesMax, tell }: AuditParts): Promise<ServerAudit> {
  const madeRoom = (entries: number): void => {
    const detail = `${entries} of the oldest entries made room`;
    tell({ name: 'apiLimitReached', limit: 'auditEntriesMax', by: '', detail });
  };
  const log = await AuditLog.open(tables.table(AUDIT_TABLE), { clock, entriesMax, madeRoom });
  const refusals = new Refusals(log, clock);
  return {
    log,
    tables: auditedTables(tables, log, SERVER_CHANGES),
    told: (event) => refusals.told(event),
    close: () => log.close(),
  };
}
