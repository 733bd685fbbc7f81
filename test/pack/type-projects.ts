/** Projects as users have them, for the compiler: what each imports of `@dunlin/client`, and how strict it is. */

/** A project in a folder of its own below the one with the installed packages. */
export interface TypeProject {
  readonly name: string;
  readonly compilerOptions: Readonly<Record<string, unknown>>;
  readonly source: string;
}

/** Values that may be missing go through as they are, to every option that may be left out. */
const MAYBE = `
import { type ClientOptions, connect, type FilterRequest, MqttError, type TlsOptions } from '@dunlin/client';
import { defineTopics } from '@dunlin/client/topics';

interface Wanted {
  readonly text?: string;
  readonly number?: number;
  readonly flag?: boolean;
  readonly qos?: 0 | 1 | 2;
  readonly bytes?: Uint8Array;
  readonly signal?: AbortSignal;
}
export async function passThrough(url: string, { text, number, flag, qos, bytes, signal }: Wanted): Promise<void> {
  const tls: TlsOptions = { ca: text, cert: text, key: text, pfx: bytes, servername: text, rejectUnauthorized: flag };
  const properties = { sessionExpiryInterval: number, contentType: text, correlationData: bytes };
  const options: ClientOptions = {
    clientId: text,
    username: text,
    password: bytes,
    keepAlive: number,
    cleanStart: flag,
    properties,
    tls: flag ? tls : undefined,
    will: text === undefined ? undefined : { topic: text, payload: bytes, qos, retain: flag, properties },
    reconnect: { minMs: number, maxMs: number, attemptsMax: number, shouldRetry: undefined },
    outbox: { messagesMax: number, store: undefined },
    on: { message: undefined, state: (state) => console.log(state) },
    log: undefined,
  };
  await using client = await connect(url, { ...options, signal });
  const filter: FilterRequest = { filter: 'a/#', qos, noLocal: flag };
  await client.subscribe([filter, 'b'], { qos, properties, signal, timeoutMs: number }, (message) => message.json());
  await client.publish('a', { text }, { qos, retain: flag, properties, signal });
  await client.request('a', '', { qos, responseTopic: text, timeoutMs: number });
  await client.respond('c', () => text, { qos, responseTopic: text });
  await client.connect({ signal });
  const typed = defineTopics({}).with(client, { invalid: undefined });
  console.log(typed.stats.invalid, client.limits, new MqttError('closed', ''));
  await client.disconnect({ reasonCode: number, properties, abrupt: flag });
  // @ts-expect-error: the types are there
  await client.publish('a', '', { qos: 3 });
}
`;

const PAGE = `
import { indexedDbOutbox } from '@dunlin/client/indexeddb';

export const store = (onHeld?: 'fail' | 'wait') => indexedDbOutbox('orders', { onHeld });
// @ts-expect-error: a page has none, and what it imports brings none
Buffer.from('');
`;

const NODE = `
import { fileOutbox, FileSet, openSeenIds, tlsFiles } from '@dunlin/client/node';

export const store = (heldTimeoutMs?: number) => fileOutbox('orders', { heldTimeoutMs });
export const tls = (ca?: string) => tlsFiles({ ca });
export const seen = (windowS?: number) => openSeenIds('seen', { windowS });
export const files = (replaces?: boolean) => new FileSet('.', { a: 0o600 }, { replaces });
`;

const STRICT = { strict: true, noEmit: true, skipLibCheck: false, allowImportingTsExtensions: true, target: 'es2022' };

/** `typeRoots` is where `@types/node` is, for the projects that have it; a page has not. */
export function typeProjects(typeRoots: string): readonly TypeProject[] {
  const page = { ...STRICT, lib: ['ES2022', 'DOM'], module: 'esnext', moduleResolution: 'bundler', types: [] };
  const node = { ...STRICT, lib: ['ES2022'], module: 'nodenext', types: ['node'], typeRoots: [typeRoots] };
  const exact = { exactOptionalPropertyTypes: true };
  const [ofPage, ofNode] = [MAYBE + PAGE, MAYBE + NODE];
  return [
    { name: 'page', compilerOptions: { ...page, ...exact, customConditions: ['browser'] }, source: ofPage },
    { name: 'page-of-a-bundler-without-conditions', compilerOptions: { ...page, ...exact }, source: ofPage },
    { name: 'node-exact', compilerOptions: { ...node, ...exact }, source: ofNode },
    { name: 'node', compilerOptions: node, source: ofNode },
  ];
}
