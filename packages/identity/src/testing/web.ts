/** An HTTP server on a free port of the loopback address, for the tests beside what asks one. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { LOCALHOST_CERTIFICATE, LOCALHOST_KEY } from './localhost.ts';

/** `answer` may be replaced while the server runs. */
export interface TestWeb {
  url: string;
  answer: (request: IncomingMessage, response: ServerResponse, body: string) => void;
  /** Requests that came. */
  requests: number;
  close(): Promise<void>;
}

/** Starts the server, over TLS with the certificate for 127.0.0.1 where `isSecure`; it ends with the test. */
export async function testWeb(context: TestContext, answer: TestWeb['answer'], isSecure = false): Promise<TestWeb> {
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    web.requests += 1;
    let body = '';
    for await (const chunk of request) body += chunk;
    web.answer(request, response, body);
  };
  const tls = { cert: LOCALHOST_CERTIFICATE, key: LOCALHOST_KEY };
  const server = isSecure ? createTlsServer(tls, handle) : createServer(handle);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const web: TestWeb = {
    url: `http${isSecure ? 's' : ''}://127.0.0.1:${(server.address() as AddressInfo).port}/ask`,
    answer,
    requests: 0,
    close: async () => {
      if (!server.listening) return;
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
  context.after(() => web.close());
  return web;
}

/** Answers with JSON. */
export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
}

/** Lets what was sent over sockets arrive, until a condition holds. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}
