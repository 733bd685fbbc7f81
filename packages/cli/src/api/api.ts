/** The HTTP API as the commands ask it, wherever it is. */

import { visible } from '@dunlin/protocol';
import { CommandError, ExitCode } from '../exit-codes.ts';

type LocalRequest = import('@dunlin/server').LocalRequest;
type LocalAnswer = import('@dunlin/server').LocalAnswer;

/** One of the ways to the API. */
export interface ApiWay {
  /** `stopped`: no server runs, the API is that of this process. */
  readonly kind: 'control' | 'url' | 'stopped';
  /** Settles with whatever is answered. Rejects with what `failureOf` understands. */
  readonly request: (request: LocalRequest) => Promise<LocalAnswer>;
  readonly close: () => Promise<void>;
}

/** What the API refused, in words for people. `code` is its own. */
export class ApiRefusal extends CommandError {
  readonly code: string;

  constructor(code: string, message: string) {
    super(code === 'input-invalid' ? ExitCode.usage : ExitCode.refused, message);
    this.code = code;
  }
}

/** A page of a list. */
interface Page<Item> {
  readonly items: readonly Item[];
  readonly cursor?: string;
}

type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export class Api {
  readonly #way: ApiWay;

  constructor(way: ApiWay) {
    this.#way = way;
  }

  /** Whether no server runs, so that nothing comes of commands now. */
  get isStopped(): boolean {
    return this.#way.kind === 'stopped';
  }

  /** The answer, as JSON. Rejects with an ApiRefusal, or with another CommandError where the API cannot be asked. */
  async ask<Answer>(method: LocalRequest['method'], path: string, body?: unknown, query: Query = {}): Promise<Answer> {
    const request = { method, path: path + queryText(query), ...(body !== undefined && { body }) };
    return answerOf(await this.#way.request(request)) as Answer;
  }

  /** Sends a text of this Content-Type. */
  async send<Answer>(path: string, contentType: string, text: string, query: Query = {}): Promise<Answer> {
    const headers = { 'content-type': contentType };
    return answerOf(
      await this.#way.request({ method: 'POST', path: path + queryText(query), headers, body: text }),
    ) as Answer;
  }

  /** The first entries of a list, so many at the most, and whether there are more. */
  async list<Item>(path: string, query: Query, most: number): Promise<{ items: Item[]; isMore: boolean }> {
    const items: Item[] = [];
    let cursor: string | undefined;
    do {
      const limit = Math.min(PAGE_MAX, most - items.length);
      const page = await this.ask<Page<Item>>('GET', path, undefined, { ...query, limit, cursor });
      items.push(...page.items);
      cursor = page.cursor;
    } while (cursor !== undefined && items.length < most);
    return { items, isMore: cursor !== undefined };
  }

  close(): Promise<void> {
    return this.#way.close();
  }
}

/** Entries that the API answers at once. */
export const PAGE_MAX = 1_000;

function queryText(query: Query): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, String(value));
  return parameters.size === 0 ? '' : `?${parameters}`;
}

interface Problem {
  readonly code: string;
  readonly detail: string;
  readonly errors?: readonly { readonly at: string; readonly problem: string }[];
}

function answerOf({ status, body }: LocalAnswer): unknown {
  if (status === 204) return undefined;
  const answer = parsed(body);
  if (status >= 200 && status < 300 && answer !== undefined) return answer;
  if (!isProblem(answer))
    throw new CommandError(
      ExitCode.network,
      `Cannot use the answer: it has the status ${status} and is none of the API of Dunlin, which is expected`,
    );
  const faults = (answer.errors ?? [])
    .filter(({ problem }) => !answer.detail.includes(problem))
    .map(({ at, problem }) => `  ${[at, problem].filter(Boolean).join(': ')}`);
  const lines = [answer.detail, ...faults];
  const hint = Object.hasOwn(HINTS, answer.code) ? [HINTS[answer.code]] : [];
  throw new ApiRefusal(answer.code, [...lines, ...hint].map((line) => visible(line)).join('\n'));
}

/** What to do, by the code of the problem. */
const HINTS: Readonly<Record<string, string>> = {
  'key-missing':
    'Name a file with an API key with --api-key-file; "dunlin api-key add" makes one where the server runs.',
  'key-refused': 'Make another one where the server runs, with "dunlin api-key add".',
  'route-unknown':
    'The server has no device service where its configuration has no key devices, or is an older version.',
  'host-refused': 'Use a name that the listener has among its hosts, or its address.',
  'credential-kind':
    '"dunlin device cert ID --out DIR" makes a certificate, "dunlin device token ID" a token; "dunlin device show ID" says the type.',
  'attribute-taken': '"dunlin device list --attribute NAME=VALUE" says which device has it.',
  'authority-missing': '"dunlin init" makes an authority for devices and says what to write into the configuration.',
  internal: 'What failed is in the log of the server.',
};

function isProblem(answer: unknown): answer is Problem {
  const { code, detail, errors = [] } = (answer ?? {}) as Partial<Problem>;
  return typeof code === 'string' && typeof detail === 'string' && Array.isArray(errors);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
