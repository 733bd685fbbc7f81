/** The audit log of a server: every table that the device service and the API open writes its changes down in it. */
import type { Clock } from '@dunlin/broker';
import {
  AUDIT_TABLE,
  AuditLog,
  auditedTables,
  type ChangeOf,
  DEVICE_CHANGES,
  type DeviceEvent,
  NO_CHANGE,
  REFUSALS_TABLE,
  Refusals,
  type Tables,
} from '@dunlin/devices';
import { ANSWERED_TABLE } from './api/answered-requests.ts';
import { API_KEYS_TABLE, type ApiKey } from './api/api-keys.ts';
import type { ServerEvent } from './events.ts';

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
  /** What somebody tried and may not. */
  readonly refusals: AuditLog;
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
  const refused = await AuditLog.open(tables.table(REFUSALS_TABLE), { clock, entriesMax, madeRoom });
  const refusals = new Refusals(refused, clock);
  return {
    log,
    refusals: refused,
    tables: auditedTables(tables, log, SERVER_CHANGES),
    told: (event) => refusals.told(event),
    async close() {
      await log.close();
      await refused.close();
    },
  };
}
