/** The API of a server, put together of what the server is made of. */
import type { Clock } from '@dunlin/broker';
import type { DeviceService, Tables } from '@dunlin/devices';
import type { ApiConfiguration } from '../configuration.ts';
import type { ServerEvent } from '../events.ts';
import { SERVER_VERSION } from '../server-version.ts';
import { ApiHost } from './api-host.ts';
import { certificateRoutes } from './certificate-routes.ts';
import { commandRoutes } from './command-routes.ts';
import { deviceProblem } from './device-problems.ts';
import { deviceRoutes } from './device-routes.ts';
import { groupRoutes } from './group-routes.ts';
import { presenceRoutes } from './presence-routes.ts';
import { tokenRoutes } from './token-routes.ts';
import { transferRoutes } from './transfer-routes.ts';
import { typeRoutes } from './type-routes.ts';

export interface ServerApiParts {
  readonly tables: Tables;
  readonly clock: Clock;
  readonly settings: ApiConfiguration;
  /** Undefined: the server has no device service, and the API no routes for one. */
  readonly devices: DeviceService | undefined;
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

export function openServerApi({ devices, tell, ...rest }: ServerApiParts): Promise<ApiHost> {
  const routes =
    devices === undefined
      ? []
      : [...OF_DEVICES.flatMap((of) => of(devices)), ...transferRoutes(devices, rest.settings.importBytesMax)];
  return ApiHost.open({
    ...rest,
    routes,
    problemOf: deviceProblem,
    failed: (requestId, error) => tell({ name: 'apiFailed', requestId, error: String(error) }),
    refused: (refused) => tell({ name: 'apiRefused', ...refused }),
    version: SERVER_VERSION,
  });
}
