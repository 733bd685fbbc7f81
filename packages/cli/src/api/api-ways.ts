/** The three ways to the API: a running server's control socket, a URL, and what no server has open. */

import { isIP } from 'node:net';
import { askIfRunning, askRunning, controlFailure } from '../control.ts';
import { CommandError, ExitCode, localError, usageError } from '../exit-codes.ts';
import { secretOfFile } from '../secrets.ts';
import type { Terminal } from '../terminal.ts';
import { readTls } from '../tls-flags.ts';
import { Api, type ApiWay } from './api.ts';
import { type ApiFlags, checkApiFlags, KEY_VARIABLE } from './api-flags.ts';

/** Opens the way that the flags mean. Rejects with what `failureOf` understands. */
export async function openApi(flags: ApiFlags, terminal: Terminal): Promise<Api> {
  checkApiFlags(flags);
  const { url } = flags;
  return new Api(url === undefined ? await localWay(flags, terminal) : await farWay(url, flags, terminal));
}

async function localWay(flags: ApiFlags, terminal: Terminal): Promise<ApiWay> {
  const control: ApiWay = {
    kind: 'control',
    request: (request) => askRunning<'api'>(flags, { command: 'api', ...request }),
    close: async () => {},
  };
  if (await isRunning(flags)) return control;
  try {
    return await stoppedWay(flags, terminal);
  } catch (error) {
    // A server that was starting when it was asked.
    if ((error as { code?: unknown }).code === 'locked' && (await isRunning(flags))) return control;
    throw await openingFailure(error, flags);
  }
}

async function isRunning(flags: ApiFlags): Promise<boolean> {
  return (await askIfRunning<'hello'>(flags, { command: 'hello' })) !== undefined;
}

async function stoppedWay({ data, config }: ApiFlags, { errors }: Terminal): Promise<ApiWay> {
  const { openOfflineApi } = await import('@dunlin/server');
  const { request, close } = await openOfflineApi(data, config, (event) => {
    if (event.name === 'apiFailed' || event.name === 'deviceServiceFailed' || event.name === 'storeFailed')
      errors.write(`${event.name}: ${event.error}\n`);
  });
  return { kind: 'stopped', request, close };
}

async function openingFailure(error: unknown, { data, config }: ApiFlags): Promise<unknown> {
  const server = await import('@dunlin/server');
  if (error instanceof server.StoreError) return localError(error.message);
  const file = config ?? server.readCommandLine([], process.env).configFile;
  if (!(error instanceof server.ConfigurationError) || file !== undefined) return controlFailure(server, error, file);
  return new CommandError(
    ExitCode.network,
    `Cannot ask a server: none runs with the data directory ${server.dataDirectory(data, config)}\n` +
      'Name the data directory with --data DIR, the configuration of the server with --config FILE, or its API with --url.',
  );
}

async function farWay(url: URL, { keyFile, caFile, plainHttp }: ApiFlags, terminal: Terminal): Promise<ApiWay> {
  if (url.protocol === 'http:' && !plainHttp && !isLoopback(url.hostname))
    throw usageError(
      `Cannot send an API key to ${url.origin}: it would go over the network without encryption; https:// is expected, or --plain-http`,
    );
  const key = keyFile === undefined ? terminal.environment[KEY_VARIABLE] : await secretOfFile(keyFile, 'the API key');
  if (key === undefined || key === '')
    throw usageError(`Cannot ask ${url.origin}: expected an API key, in --api-key-file FILE or in $${KEY_VARIABLE}`);
  // As the server has it of keys that stand in its configuration; its own have this form too.
  if (!/^[\x21-\x7e]{20,256}$/.test(key))
    throw usageError(
      `Cannot use the API key of ${keyFile ?? `$${KEY_VARIABLE}`}: expected one line of 20 to 256 visible ASCII characters`,
    );
  // Loaded when asked for: who asks a server of this machine needs no HTTP.
  const { HttpWay } = await import('./http-way.ts');
  return new HttpWay(url, key, url.protocol === 'https:' ? readTls({ ...(caFile && { caFile }) }).authorities : []);
}

function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '');
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
