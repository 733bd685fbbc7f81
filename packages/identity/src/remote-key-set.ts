/** A JSON Web Key Set behind a URL: fetched when it is needed, kept, and used for a stated time while it cannot be fetched. */
import type { Clock } from '@dunlin/broker';
import { createLocalJWKSet, type JSONWebKeySet } from 'jose';
import { type JsonService, jsonService, parseJson } from './json-service.ts';
import type { TellMethodEvent } from './method-events.ts';

export interface RemoteKeySetOptions {
  /** `https:`; `http:` only to loopback addresses unless `allowsPlainHttp`. */
  readonly keySetUrl: string;
  readonly allowsPlainHttp?: boolean;
  /** Authorities in PEM that may vouch for the service. Default: those of Node. */
  readonly authorities?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Milliseconds that a fetch may take. Default 5000. */
  readonly timeoutMs?: number;
  /** Milliseconds after which the keys are fetched again. Default 600000, ten minutes. */
  readonly maxAgeMs?: number;
  /** Milliseconds after a fetch, failed or not, before there is another one. Default 10000. */
  readonly cooldownMs?: number;
  /** Milliseconds for which the last good keys are used while no others can be fetched. Default 86400000, a day. */
  readonly staleMaxMs?: number;
}

/** Keys of a set as `jose` looks them up. */
export type LocalKeySet = ReturnType<typeof createLocalJWKSet>;

export interface RemoteKeySet {
  /**
   * The keys that count now. `hasMissed`: a token names a key that was not in them, so that they are fetched again
   * where the cooldown is over. Rejects with an `Error` where there are none, or only those that are too old.
   */
  current(hasMissed: boolean): Promise<LocalKeySet>;
  /** Those that were fetched last, however old; undefined before. */
  readonly last: LocalKeySet | undefined;
  /** What it returns puts these options, for the same URL, in force; what was fetched goes on. Throws as `remoteKeySet`. */
  prepareReload(options: RemoteKeySetOptions): () => void;
  close(): void;
}

const ANSWER_BYTES_MAX = 256 * 1024;
const DEFAULTS = { timeoutMs: 5_000, maxAgeMs: 600_000, cooldownMs: 10_000, staleMaxMs: 86_400_000 };

/** Makes the set; throws for a URL that cannot be used. Nothing is fetched before it is asked for. */
export function remoteKeySet(
  options: RemoteKeySetOptions,
  method: string,
  clock: Clock,
  tell: TellMethodEvent,
): RemoteKeySet {
  let present = asking(options, clock);
  let keys: LocalKeySet | undefined;
  let fetchedAtMs = -Infinity;
  let askedAtMs = -Infinity;
  let underWay: Promise<void> | undefined;
  let isDown = false;

  const usable = () => (clock.steadyMs() - fetchedAtMs < present.staleMaxMs ? keys : undefined);
  const fetchKeys = async () => {
    askedAtMs = clock.steadyMs();
    const { service } = present;
    try {
      keys = readKeySet(await service.ask());
      fetchedAtMs = clock.steadyMs();
      if (isDown) tell({ name: 'keysAvailable', method, source: service.name });
      isDown = false;
    } catch (error) {
      const stale = usable() !== undefined;
      if (!isDown)
        tell({ name: 'keysUnavailable', method, source: service.name, error: (error as Error).message, stale });
      isDown = true;
    }
  };
  return {
    current: async (hasMissed) => {
      const now = clock.steadyMs();
      const { service, maxAgeMs, cooldownMs } = present;
      const isDue = usable() === undefined || now - fetchedAtMs >= maxAgeMs || hasMissed;
      if (isDue && underWay === undefined && now - askedAtMs >= cooldownMs)
        underWay = fetchKeys().finally(() => {
          underWay = undefined;
        });
      if (isDue) await underWay;
      const current = usable();
      if (current === undefined) throw new Error(`Cannot check tokens by ${service.name}: keys are expected there`);
      return current;
    },
    get last() {
      return keys;
    },
    prepareReload: (next) => {
      const made = asking(next, clock);
      return () => {
        present.service.close();
        present = made;
      };
    },
    close: () => present.service.close(),
  };
}

/** Options with their defaults, and the service that they make. */
function asking(options: RemoteKeySetOptions, clock: Clock): typeof DEFAULTS & { readonly service: JsonService } {
  const times = { ...DEFAULTS, ...options };
  const service = jsonService({
    ...options,
    headers: () => options.headers ?? {},
    clock,
    url: options.keySetUrl,
    timeoutMs: times.timeoutMs,
    answerBytesMax: ANSWER_BYTES_MAX,
    connectionsMax: 1,
  });
  return { ...times, service };
}

function readKeySet({ status, body }: { readonly status: number; readonly body: Buffer }): LocalKeySet {
  if (status !== 200) throw new Error(`Cannot read the key set: status 200 is expected, ${status} was found`);
  try {
    return createLocalJWKSet(parseJson(body) as JSONWebKeySet);
  } catch {
    throw new Error('Cannot read the key set: JSON of the form {"keys": […]} is expected');
  }
}
