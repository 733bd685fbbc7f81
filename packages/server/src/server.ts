/** A running server: a broker and the listeners that bring it its connections. */

import type { Authenticator, Authorizer, Broker, Clock, Random, Store } from '@dunlin/broker';
import type { RevocationSource } from '@dunlin/identity';
import { quoted } from '@dunlin/protocol';
import type { LocalAnswer, LocalRequest } from './api/api-host.ts';
import {
  type Configuration,
  ConfigurationError,
  type ConfigurationInput,
  completeConfiguration,
} from './configuration.ts';
import { checkInput } from './configuration-input.ts';
import { hint } from './configuration-reading.ts';
import type { ServerEvent } from './events.ts';
import type { ReloadReport } from './in-force.ts';
import { checkReach, type HttpRequestHandler } from './listening.ts';
import type { BoundListener } from './open-listener.ts';
import { Running } from './running-server.ts';
import { shownEvent } from './shown-event.ts';
import { openStorage } from './storage.ts';

/** What an embedding program or a test puts in place of the parts that a server has by itself. */
export interface ServerParts {
  /**
   * Asks every client who it is; listeners beyond loopback need no `allowAnonymous` then. Where a listener asks for
   * certificates, one that is shown was found good before, and goes along with the principal. Delays and bans of `guard`,
   * and `clientIds`, are not for it. Default: what `authentication` says. Must not be given beside that.
   */
  readonly authenticator?: Authenticator;
  /** Default: what `authorization` says. */
  readonly authorizer?: Authorizer;
  /**
   * Who else knows revoked certificates, beside the lists of `authorities`: a device registry. Asked by the names of these
   * authorities, at every CONNECT and again for open connections when one tells of a change. Must not be given without
   * `authentication` or an `authenticator`, before which they are asked. Default: none.
   */
  readonly revocationSources?: readonly RevocationSource[];
  /** Default: what `data` and `durability` say. Must not be given beside `data`. */
  readonly store?: Store;
  readonly clock?: Clock;
  readonly random?: Random;
  /** Answers requests at `ws` and `wss` listeners that are for no WebSocket. Default: 404. */
  readonly httpRequest?: HttpRequestHandler;
  /** Told of everything, from the opening of the listeners on. Must not throw. */
  readonly onEvent?: (event: ServerEvent) => void;
  /** Limit of open files of the process; undefined: as the system says. */
  readonly fileLimit?: number;
  /** Reads the configuration again, for a reload that is not given one, as by `dunlin reload`. May throw. */
  readonly reread?: () => ConfigurationInput;
}

export interface RunningServer {
  /** What is in force now. */
  readonly configuration: Configuration;
  readonly broker: Broker;
  /** In the order of the configuration. */
  readonly listeners: readonly BoundListener[];
  /** Connections at once, as far as limit and open files allow. */
  readonly connectionsMax: number;
  /** Limit of open files of the process, where it was asked and has one. */
  readonly fileLimit: number | undefined;
  /**
   * Asks the HTTP API in the name of the program, which may do everything; settles with its answer, whatever that is. Rejects
   * when the server is stopping.
   */
  api(request: LocalRequest): Promise<LocalAnswer>;
  /**
   * Takes over what may be changed of another configuration (default: what `reread` of its parts reads), and reads every
   * file that it names again. Who may no longer be there is sent away; what the others may do is decided anew. Settles
   * when all of that is done; one reload follows the other.
   * @throws ConfigurationError where configuration or files are wrong; nothing has changed then
   */
  reload(next?: ConfigurationInput): Promise<ReloadReport>;
  /**
   * Closes the listeners, sends every client away (5.0: DISCONNECT 0x8B, or 0x9C with a Server Reference) with its
   * undelayed will, and stops the broker. Settles when the ports are free and the store is closed; what was sent to
   * clients may still be leaving. Further calls return the same promise.
   * Rejects when all of that is done, where the store has failed before or could not be closed in order.
   */
  stop(): Promise<void>;
}

/**
 * Starts a server. Settles when clients can connect.
 * @throws ConfigurationError for an unknown key, a wrong value, a part that does not exist, and for contradictions
 * @throws ServerStartError where a listener cannot be opened, or must not; nothing is left open then
 * @throws StoreError of `@dunlin/lmdb` where the data directory cannot be opened, ControlError where its control socket
 *   cannot
 */
export async function startServer(input: ConfigurationInput = {}, parts: ServerParts = {}): Promise<RunningServer> {
  checkPartNames(parts);
  const configuration = checked(input, parts);
  const { onEvent } = parts;
  const tell = (event: ServerEvent): void => onEvent?.(shownEvent(event));
  try {
    return await start(configuration, parts, tell);
  } catch (error) {
    const { code = 'unknown', message } = error as NodeJS.ErrnoException;
    tell({ name: 'startFailed', code, error: message });
    throw error;
  }
}

const PART_NAMES: { readonly [name in keyof ServerParts]-?: true } = {
  authenticator: true,
  authorizer: true,
  revocationSources: true,
  store: true,
  clock: true,
  random: true,
  httpRequest: true,
  onEvent: true,
  fileLimit: true,
  reread: true,
};

/** A mistyped authorizer would be a server that permits everything. */
function checkPartNames(parts: ServerParts): void {
  const names = Object.keys(PART_NAMES);
  const problems = Object.keys(parts)
    .filter((name) => !names.includes(name))
    .map(
      (name) => `${quoted(name)} is no part of a server: ${hint(name, names, `expected one of ${names.join(', ')}`)}`,
    );
  if (problems.length > 0) throw new ConfigurationError(problems);
}

function checked(
  input: ConfigurationInput,
  { authenticator, revocationSources = [], store }: ServerParts,
): Configuration {
  const configuration = completeConfiguration(checkInput(input), authenticator !== undefined);
  const { authentication, durability, data = '' } = configuration;
  const problems: string[] = [];
  if (authenticator !== undefined && authentication.length > 0)
    problems.push('authentication is given beside an authenticator: one of both is expected');
  if (revocationSources.length > 0 && authentication.length === 0 && authenticator === undefined)
    problems.push('revocationSources are given and authentication is empty: a method is expected, or nobody asks them');
  if (store !== undefined && durability !== 'memory')
    problems.push(`data is ${quoted(data)} beside a store: one of both is expected`);
  if (problems.length > 0) throw new ConfigurationError(problems);
  return configuration;
}

async function start(
  configuration: Configuration,
  parts: ServerParts,
  tell: (event: ServerEvent) => void,
): Promise<RunningServer> {
  const isAsked = parts.authenticator !== undefined || configuration.authentication.length > 0;
  if (!isAsked) for (const listener of configuration.listeners) checkReach(listener);
  const reread = (): Configuration => {
    if (parts.reread !== undefined) return checked(parts.reread(), parts);
    throw new ConfigurationError(['Cannot reload: the program of this server has no part "reread", which is expected']);
  };
  const storage = await openStorage(configuration, (error) => tell({ name: 'storeSweepFailed', error }));
  const running = await Running.open(configuration, { parts, storage, tell, reread });
  const { broker, listeners, connectionsMax, fileLimit } = running;
  return {
    get configuration() {
      return running.configuration;
    },
    broker,
    listeners,
    connectionsMax,
    fileLimit,
    api: (request) => running.api(request),
    reload: (next) => running.reload(next && (() => checked(next, parts))),
    stop: () => running.stop(),
  };
}
