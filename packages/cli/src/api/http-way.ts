/** Asks the API over HTTP, one request after the other on one connection, with an API key. */

import { Agent, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps, Agent as SecureAgent } from 'node:https';
import { CommandError, ConnectionLostError, ExitCode } from '../exit-codes.ts';
import { TRUST_HINTS } from '../failure.ts';
import { systemReason } from '../system-reason.ts';
import type { ApiWay } from './api.ts';

type LocalRequest = import('@dunlin/server').LocalRequest;
type LocalAnswer = import('@dunlin/server').LocalAnswer;

/** Longer than the API lets anybody wait for a command. */
const SILENCE_MS = 90_000;
/** A server that went away, as by kill -9; nobody who listens is another matter. */
const LOST: readonly string[] = ['ECONNRESET', 'EPIPE'];
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;

export class HttpWay implements ApiWay {
  readonly kind = 'url';
  readonly #url: URL;
  readonly #key: string;
  readonly #agent: Agent;

  /** `authorities`: those that are believed over https, PEM. */
  constructor(url: URL, key: string, authorities: readonly (string | Uint8Array)[]) {
    this.#url = url;
    this.#key = key;
    const options = { keepAlive: true, maxSockets: 1 };
    this.#agent =
      url.protocol === 'https:'
        ? new SecureAgent({ ...options, ca: authorities.map((pem) => Buffer.from(pem)) })
        : new Agent(options);
  }

  readonly request = async (asked: LocalRequest): Promise<LocalAnswer> => {
    try {
      const answer = await this.#send(asked);
      const text = await bodyOf(answer);
      const told = Object.entries(answer.headers).map(([name, value]) => [name, String(value)]);
      return { status: answer.statusCode ?? 0, headers: Object.fromEntries(told), body: text };
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (LOST.includes(code))
        throw new ConnectionLostError(
          `Cannot ask ${this.#url.origin}: the connection to the server was lost before it answered (${code})`,
        );
      const hint = Object.hasOwn(TRUST_HINTS, code) ? `\n${TRUST_HINTS[code]}` : '';
      throw new CommandError(ExitCode.network, `Cannot ask ${this.#url.origin}: ${systemReason(error)}${hint}`);
    }
  };

  readonly close = async (): Promise<void> => this.#agent.destroy();

  #send({ method, path, headers = {}, body }: LocalRequest): Promise<IncomingMessage> {
    const isText = headers['content-type'] !== undefined;
    const content = body === undefined ? undefined : isText ? String(body) : JSON.stringify(body);
    const send = this.#url.protocol === 'https:' ? requestHttps : requestHttp;
    // As it stands: what a proxy has before the API goes in front.
    const target = `${this.#url.pathname.replace(/\/+$/, '')}${path}`;
    return new Promise((resolve, reject) => {
      const sent = send(
        {
          agent: this.#agent,
          protocol: this.#url.protocol,
          hostname: this.#url.hostname.replace(/^\[|\]$/g, ''),
          port: this.#url.port,
          path: target,
          method,
          headers: {
            ...(content !== undefined && {
              'content-type': 'application/json',
              'content-length': Buffer.byteLength(content),
            }),
            ...headers,
            authorization: `Bearer ${this.#key}`,
          },
          timeout: SILENCE_MS,
        },
        resolve,
      );
      sent.once('timeout', () => sent.destroy(new Error(`nothing came for ${SILENCE_MS / 1_000} s`)));
      sent.once('error', reject);
      sent.end(content);
    });
  }
}

async function bodyOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) throw new Error(`the answer is longer than ${ANSWER_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
