/** The API of a server, put together of what the server is made of. */
import type { Clock } from '@dunlin/broker';
import { type DeviceService, EXPIRY_DEFAULTS, RoomNotice, type Tables } from '@dunlin/devices';
import type { ServerAudit } from '../audit.ts';
import type { ApiConfiguration } from '../configuration.ts';
import type { Doors } from '../doors.ts';
import type { ServerEvent } from '../events.ts';
import { SERVER_VERSION } from '../server-version.ts';
import { ApiHost } from './api-host.ts';
import type { KeyGuard } from './api-parts.ts';
import { certificateRoutes } from './certificate-routes.ts';
import { claimPages } from './claim-pages.ts';
import { claimRoutes } from './claim-routes.ts';
import { PAGE_HEADERS, problemPage } from './claim-view.ts';
import { commandRoutes } from './command-routes.ts';
import { readConfiguredKeys } from './configured-keys.ts';
import { deviceProblem } from './device-problems.ts';
import { deviceRoutes } from './device-routes.ts';
import { groupRoutes } from './group-routes.ts';
import { ownerRoutes } from './owner-routes.ts';
import { OwnerSessions } from './owner-sessions.ts';
import { presenceRoutes } from './presence-routes.ts';
import { renewalRoutes } from './renewal-routes.ts';
import type { LocalName } from './scopes.ts';
import { tokenRoutes } from './token-routes.ts';
import { transferRoutes } from './transfer-routes.ts';
import { typeRoutes } from './type-routes.ts';

export interface ServerApiParts {
  readonly tables: Tables;
  readonly audit: Pick<ServerAudit, 'log' | 'refusals'>;
  readonly localName: LocalName;
  readonly clock: Clock;
  readonly settings: ApiConfiguration;
  /** Undefined: the server has no device service, and the API no routes for one. */
  readonly devices: DeviceService | undefined;
  /** Who may sign in as the owner of devices, and whose certificates count. */
  readonly doors: Pick<Doors, 'ownersAt' | 'authorities'>;
  /** Default: as the device service has it. */
  readonly warnDays: number | undefined;
  readonly guard: KeyGuard;
  readonly tell: (event: ServerEvent) => void;
}

const OF_DEVICES = [
  deviceRoutes,
  typeRoutes,
  tokenRoutes,
  certificateRoutes,
  commandRoutes,
  groupRoutes,
  presenceRoutes,
];

/** @throws ConfigurationError where the file of a key cannot be used */
export async function openServerApi(parts: ServerApiParts): Promise<ApiHost> {
  const { devices, doors, warnDays = EXPIRY_DEFAULTS.warnDays, tell, ...rest } = parts;
  const configuredKeys = readConfiguredKeys(rest.settings.keys);
  const limitReached = (limit: string, by: string, detail: string): void =>
    tell({ name: 'apiLimitReached', limit, by, detail });
  const sessionsEnded = new RoomNotice(rest.clock, (count) =>
    limitReached('ownerSessionsMax', '', `${count} sessions of owners ended early`),
  );
  const sessions = new OwnerSessions(rest.clock, rest.settings, (limit, owner) => {
    if (limit === 'ownerSessionsMax') sessionsEnded.madeRoom();
    else limitReached(limit, `owner:${owner}`, 'the session that came first ended');
  });
  const ownersAt = (listener: string) => doors.ownersAt(listener);
  const signInEvents = {
    signedIn: (username: string, address: string, listener: string) =>
      tell({ name: 'ownerSignedIn', username, address, listener }),
    refused: (username: string, address: string, listener: string, check: string) =>
      tell({ name: 'ownerRefused', username, address, listener, check }),
  };
  const routes =
    devices === undefined
      ? []
      : [
          ...OF_DEVICES.flatMap((of) => of(devices)),
          ...transferRoutes(devices, rest.settings.importBytesMax),
          ...claimRoutes(devices),
          ...renewalRoutes(devices, doors.authorities),
          ...ownerRoutes(devices),
          ...claimPages({ service: devices, clock: rest.clock, warnDays, sessions, ownersAt, tell: signInEvents }),
        ];
  return ApiHost.open({
    ...rest,
    configuredKeys,
    routes,
    problemOf: deviceProblem,
    failed: (requestId, error) => tell({ name: 'apiFailed', requestId, error: String(error) }),
    limitReached,
    refused: (refused) => tell({ name: 'apiRefused', ...refused }),
    owners: sessions,
    problemPage: ({ message }) => ({ body: problemPage(message), headers: PAGE_HEADERS }),
    version: SERVER_VERSION,
  });
}
