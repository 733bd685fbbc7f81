/**
 * Asks a service over HTTP, with a bound on everything: time, size of the answer, connections. By `node:http` and not
 * by `fetch`, since only that takes authorities of one's own and a number of connections without another package, and
 * follows no redirect.
 */
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Clock } from '@dunlin/broker';

export interface JsonServiceOptions {
  readonly clock: Clock;
  /** `https:`; `http:` only to loopback addresses unless `allowsPlainHttp`. Without a user name or password in it. */
  readonly url: string;
  readonly allowsPlainHttp?: boolean;
  /** Authorities in PEM that may vouch for the service. Default: those of Node. */
  readonly authorities?: string;
  /** Asked for the headers of each request, which may hold secrets. */
  readonly headers?: () => Readonly<Record<string, string>>;
  /** Milliseconds from the request to the last byte of the answer. */
  readonly timeoutMs: number;
  readonly answerBytesMax: number;
  readonly connectionsMax: number;
}

export interface JsonAnswer {
  readonly status: number;
  readonly body: Buffer;
}

export interface JsonService {
  /** For events and errors: the URL without its query, which may hold a secret. */
  readonly name: string;
  /**
   * Sends one request, a POST where there is a body. Resolves with whatever status was answered; rejects with an
   * `Error` that quotes neither request nor answer where there was none, in time or within its bytes.
   */
  ask(body?: string): Promise<JsonAnswer>;
  /** Closes connections when what is under way has been answered; that keeps no process alive meanwhile. */
  close(): void;
}

/** Makes the service; throws an `Error` for a URL or header that cannot be used. Nothing is sent before `ask`. */
export function jsonService(options: JsonServiceOptions): JsonService {
  const { clock, authorities, headers = () => ({}), timeoutMs, answerBytesMax, connectionsMax } = options;
  const url = serviceUrl(options.url, options.allowsPlainHttp === true);
  const name = `${url.origin}${url.pathname}`;
  const isSecure = url.protocol === 'https:';
  const limits = { keepAlive: true, maxSockets: connectionsMax, maxFreeSockets: connectionsMax };
  const agent = isSecure
    ? new HttpsAgent({ ...limits, ...(authorities === undefined ? {} : { ca: authorities }) })
    : new HttpAgent(limits);
  const send = isSecure ? httpsRequest : httpRequest;
  let underWay = 0;
  let isClosed = false;

  const once = (body: string | undefined) =>
    new Promise<JsonAnswer>((resolve, reject) => {
      const sent =
        body === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) };
      const request = send(url, {
        agent,
        method: body === undefined ? 'GET' : 'POST',
        headers: { Accept: 'application/json', ...headers(), ...sent },
      });
      const timer = clock.every(timeoutMs, () =>
        request.destroy(new Error(`an answer within ${timeoutMs} ms is expected`)),
      );
      const fail = (error: Error) => {
        timer.cancel();
        const failure = new Error(`Cannot ask ${name}: ${error.message}`, { cause: error });
        reject(
          Object.assign(failure, {
            isStale: request.reusedSocket && (error as NodeJS.ErrnoException).code === 'ECONNRESET',
          }),
        );
      };
      request.on('error', fail);
      request.on('response', (response) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        response.on('error', fail);
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes <= answerBytesMax) chunks.push(chunk);
          else request.destroy(new Error(`an answer of up to ${answerBytesMax} bytes is expected`));
        });
        response.on('end', () => {
          timer.cancel();
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) });
        });
      });
      request.end(body);
    });

  return {
    name,
    ask: async (body) => {
      underWay += 1;
      try {
        return await once(body).catch((error: Error & { isStale?: boolean }) => {
          // A connection that was kept and that the service closed meanwhile says nothing of the service: one more request.
          if (error.isStale === true) return once(body);
          throw error;
        });
      } finally {
        underWay -= 1;
        if (isClosed && underWay === 0) agent.destroy();
      }
    },
    close: () => {
      isClosed = true;
      if (underWay === 0) agent.destroy();
      for (const socket of Object.values(agent.sockets).flat()) socket?.unref();
    },
  };
}

function serviceUrl(text: string, allowsPlainHttp: boolean): URL {
  if (!URL.canParse(text))
    throw new Error('Cannot use the URL of a service: one such as https://host/path is expected');
  const url = new URL(text);
  const fail = (expected: string) =>
    new Error(`Cannot use the URL ${url.origin}${url.pathname}: ${expected} is expected`);
  if (url.username !== '' || url.password !== '') throw fail('a secret in a header, none in the URL,');
  if (url.protocol === 'https:') return url;
  if (url.protocol !== 'http:') throw fail('https:');
  if (!allowsPlainHttp && !isLoopback(url.hostname)) throw fail('https: for what is not on this machine');
  return url;
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d+){3}$/.test(hostname);
}

/** Parses an answer. Throws an `Error` that quotes nothing of it, as `JSON.parse` by itself would. */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new Error('JSON in UTF-8 is expected');
  }
}
