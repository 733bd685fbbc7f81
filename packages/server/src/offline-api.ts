/**
 * The HTTP API of a server that does not run: the same, on its store, for one command after another. It is the server itself
 * without its listeners, so that nothing is done in another way: retained messages, presence and commands stand in the store
 * as the server would have left them, and its control socket answers whoever comes meanwhile.
 */
import type { LocalAnswer, LocalRequest } from './api/api-host.ts';
import { ConfigurationError } from './configuration.ts';
import { effectiveConfiguration } from './effective-configuration.ts';
import type { ServerEvent } from './events.ts';
import { readCommandLine } from './flags.ts';
import { Running } from './running-server.ts';
import { openStorage } from './storage.ts';

export interface OfflineApi {
  /** Asks as local administrator; settles with the answer, whatever that is. */
  request(request: LocalRequest): Promise<LocalAnswer>;
  /** Settles when the store is closed and a server can start, and rejects where it failed. From here on no event is told. */
  close(): Promise<void>;
}

/**
 * Opens what `dunlin serve` would with the same `--data`, environment and `--config`.
 * @throws ConfigurationError where file, environment or what they name is wrong, has no device service, or keeps nothing
 * @throws StoreError where the data directory cannot be opened; `locked`: a server has it
 */
export async function openOfflineApi(
  data: string | undefined,
  configFile: string | undefined,
  tell: (event: ServerEvent) => void,
): Promise<OfflineApi> {
  const flags = [...named('--data', data), ...named('--config', configFile)];
  const commandLine = readCommandLine(flags, process.env);
  const configuration = effectiveConfiguration(commandLine);
  const said = commandLine.configFile ?? 'The environment';
  if (configuration.devices === undefined)
    throw new ConfigurationError([`${said}: there is no key devices, which is expected of a server with devices`]);
  const storage = await openStorage(configuration);
  if (storage === undefined)
    throw new ConfigurationError([
      `${said}: durability is "memory", so there is no store: "durable" or "process" is expected`,
    ]);
  const reread = () => configuration;
  let isClosing = false;
  const running = await Running.open(
    { ...configuration, listeners: [] },
    // What goes on behind a request is often not over when there is nothing more to ask: the next server takes it up.
    { parts: {}, localName: 'offline', storage, tell: (event) => isClosing || tell(event), reread },
  );
  const close = (): Promise<void> => {
    isClosing = true;
    return running.stop();
  };
  return { request: (request) => running.api(request), close };
}

function named(flag: string, value: string | undefined): string[] {
  return value === undefined ? [] : [flag, value];
}
