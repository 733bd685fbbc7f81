/** The page `/claim`: forms of HTML by which the owner of devices signs in, enters a code, renews and revokes. */
import type { Clock } from '@dunlin/broker';
import type { DeviceService } from '@dunlin/devices';
import { Type } from 'typebox';
import { type ApiAnswer, type ApiCall, type ApiRoute, CLOSED, route } from './api-route.ts';
import { boundedBytes } from './bounded-stream.ts';
import { confirmed } from './claim-routes.ts';
import { devicesPage, type Note, PAGE_HEADERS, signInPage } from './claim-view.ts';
import { deviceProblem } from './device-problems.ts';
import { ownDevice, ownDevices } from './owner-routes.ts';
import { isFormToken, type OwnerSession } from './owner-sessions.ts';
import { type SignInParts, signIn } from './owner-sign-in.ts';
import { ApiProblem, PROBLEMS } from './problems.ts';

export interface ClaimPageParts extends SignInParts {
  readonly service: DeviceService;
  readonly clock: Clock;
  /** As `devices.authority.warnDays`. */
  readonly warnDays: number;
}

type Call = Pick<ApiCall<never, never, never>, 'caller' | 'http' | 'gone'>;
type FormCall = Call & { readonly body: AsyncIterable<Uint8Array> };
type Fields = (name: string) => string;

const tag = 'pages';
const FORM = { contentTypes: ['application/x-www-form-urlencoded'], bytesMax: 16_384 } as const;
const BODY = Type.Unsafe<AsyncIterable<Uint8Array>>(Type.Unknown());
const LIMIT = 50;
const HTML = 'text/html; charset=utf-8';
/** After a form, so that reloading the page does not send it again. */
const SEE_OTHER = 303;

export function claimPages(parts: ClaimPageParts): ApiRoute[] {
  const done = new DoneNotes();
  return [claimPage(parts, done), ...claimForms(parts, done).flatMap((one) => [one, backOf(one)])];
}

/** What the last form of each session did: told by the page that comes next, and not when that is loaded again. */
class DoneNotes {
  readonly #notes = new WeakMap<OwnerSession, string>();

  put(session: OwnerSession, name: keyof typeof DONE): void {
    this.#notes.set(session, DONE[name]);
  }

  take(session: OwnerSession | undefined): string | undefined {
    const note = session && this.#notes.get(session);
    if (session !== undefined) this.#notes.delete(session);
    return note;
  }
}

function claimPage(parts: ClaimPageParts, done: DoneNotes): ApiRoute {
  return route({
    method: 'GET',
    path: '/claim',
    summary: 'The page for owners of devices',
    tag,
    scope: 'public',
    isPage: true,
    query: Type.Object(
      {
        code: Type.Optional(Type.String({ maxLength: 64 })),
        cursor: Type.Optional(Type.String({ maxLength: 8_192 })),
      },
      CLOSED,
    ),
    async handle({ query: { code = '', cursor }, ...call }) {
      const text = done.take(call.caller.session);
      return shown(parts, call, { code, cursor, note: text === undefined ? undefined : { text, isBad: false } });
    },
  });
}

/** What the page sends. */
function claimForms(parts: ClaimPageParts, done: DoneNotes): ApiRoute[] {
  const { service, sessions } = parts;
  const { desk } = service;
  return [
    form('sign-in', 'Sign in', async (call) => {
      const fields = await fieldsOf(call.body);
      const [username, code] = [fields('username'), fields('code')];
      try {
        const cookie = await signIn(parts, { username, password: fields('password') }, call.http, call.gone);
        return seeOther(code === '' ? '/claim' : `/claim?code=${encodeURIComponent(code)}`, cookie);
      } catch (error) {
        return signInAnswer(call, { code, username, problem: problemOf(error) });
      }
    }),
    form('sign-out', 'Sign out', (call) =>
      signedIn(parts, call, () => {
        const { headers, isSecure } = call.http;
        return seeOther('/claim', sessions.end(headers, isSecure));
      }),
    ),
    form('confirm', 'Enter the code of a device', (call) =>
      signedIn(parts, call, async (fields, session) => {
        const [name, replaces] = [fields('name').trim(), fields('replaces')];
        await confirmed(service, call, undefined, {
          code: fields('code'),
          name,
          ...(replaces !== '' && { replaces }),
        });
        done.put(session, 'confirmed');
        return seeOther('/claim');
      }),
    ),
    form('renew', 'A new certificate of a device, as a file', (call) =>
      signedIn(parts, call, async (fields, session) => {
        const registered = await ownDevice(service, session.owner, fields('device'));
        const { id } = registered.device;
        const pems = await desk.renewForOwner(registered, { by: call.caller.by });
        const name = `${id.replaceAll(/[^\w.-]/g, '_')}.pem`;
        return {
          body: `${pems.key ?? ''}${pems.chain}${pems.authorities}`,
          contentType: 'application/x-pem-file',
          headers: { 'content-disposition': `attachment; filename="${name}"` },
        };
      }),
    ),
    form('revoke', 'Take all credentials of a device away', (call) =>
      signedIn(parts, call, async (fields, session) => {
        const registered = await ownDevice(service, session.owner, fields('device'));
        await desk.end(registered, call.caller.by);
        done.put(session, 'revoked');
        return seeOther('/claim');
      }),
    ),
  ];
}

const DONE = {
  confirmed: 'The device is yours now. It fetches its credentials by itself and connects in a moment.',
  revoked: 'The device is locked out. To use it again, have it show a new code.',
} as const;

function form(name: string, summary: string, handle: (call: FormCall) => Promise<ApiAnswer<string>>): ApiRoute {
  return route({
    method: 'POST',
    path: `/claim/${name}`,
    summary,
    tag,
    scope: 'public',
    isPage: true,
    body: BODY,
    bodyKind: FORM,
    handle,
  });
}

/** A form that is asked for like a page, as by Enter in the bar where its address stands, leads back to the page. */
function backOf({ path, summary }: ApiRoute): ApiRoute {
  return route({
    method: 'GET',
    path,
    summary: `To the page of: ${summary}`,
    tag,
    scope: 'public',
    isPage: true,
    handle: () => seeOther('/claim'),
  });
}

/**
 * Carries a form out for whoever is signed in; what is wrong with it is told on the page.
 * @throws ApiProblem form-refused where it is none of our pages that sent it
 */
async function signedIn(
  parts: ClaimPageParts,
  call: FormCall,
  work: (fields: Fields, session: OwnerSession) => ApiAnswer<string> | Promise<ApiAnswer<string>>,
): Promise<ApiAnswer<string>> {
  const { session } = call.caller;
  const fields = await fieldsOf(call.body);
  if (session === undefined) {
    const problem = new ApiProblem('session-missing', 'You are no longer signed in: sign in again.');
    return signInAnswer(call, { code: fields('code'), username: '', problem });
  }
  if (!isFormToken(session, fields('formToken')))
    throw new ApiProblem('form-refused', 'Cannot do this: a page of this server is expected to ask');
  try {
    return await work(fields, session);
  } catch (error) {
    const problem = problemOf(error);
    const note = { text: TOLD[problem.code] ?? problem.message, isBad: true };
    const answer = await shown(parts, call, { code: fields('code'), name: fields('name'), note });
    return { ...answer, status: PROBLEMS[problem.code].status };
  }
}

/** In the words of somebody who holds a device in the hand. */
const TOLD: Partial<Record<ApiProblem['code'], string>> = {
  'claim-code-unknown': 'No device shows this code. Look again; if its time is over, the device shows a new one.',
  'too-many-requests': 'There were too many attempts. Wait a while, then try again.',
  'sign-in-refused': 'The user name or the password is wrong.',
};

interface Wanted {
  readonly code: string;
  readonly name?: string;
  readonly cursor?: string | undefined;
  readonly note?: Note | undefined;
}

async function shown(
  parts: ClaimPageParts,
  call: Call,
  { code, name = '', cursor, note }: Wanted,
): Promise<ApiAnswer<string>> {
  const { session } = call.caller;
  if (session === undefined) return signInAnswer(call, { code, username: '', problem: undefined });
  const { owner, formToken } = session;
  const page = await ownDevices(parts.service, owner, LIMIT, cursor);
  const nowMs = parts.clock.nowMs();
  const { warnDays } = parts;
  return pageAnswer(devicesPage({ note, owner, formToken, code, name, ...page, nowMs, warnDays }));
}

function signInAnswer(
  { http }: Call,
  {
    code,
    username,
    problem,
  }: { readonly code: string; readonly username: string; readonly problem: ApiProblem | undefined },
): ApiAnswer<string> {
  const note = problem && { text: TOLD[problem.code] ?? problem.message, isBad: true };
  const isLocal = http.peer === undefined || /^(?:127\.|::1$|::ffff:127\.)/.test(http.peer.address);
  const answer = pageAnswer(signInPage({ note, code, username, isPlain: !http.isSecure && !isLocal }));
  return problem === undefined ? answer : { ...answer, status: PROBLEMS[problem.code].status };
}

function pageAnswer(body: string): ApiAnswer<string> {
  return { body, contentType: HTML, headers: PAGE_HEADERS };
}

function seeOther(location: string, cookie?: string): ApiAnswer<string> {
  return {
    status: SEE_OTHER,
    location,
    headers: { ...PAGE_HEADERS, ...(cookie !== undefined && { 'set-cookie': cookie }) },
  };
}

/** What is no problem of the caller's is thrown on. */
function problemOf(error: unknown): ApiProblem {
  const problem = error instanceof ApiProblem ? error : deviceProblem(error);
  if (problem === undefined) throw error;
  return problem;
}

async function fieldsOf(body: AsyncIterable<Uint8Array>): Promise<Fields> {
  const given = new URLSearchParams((await boundedBytes(body, FORM.bytesMax)).toString('utf8'));
  return (name) => given.get(name) ?? '';
}
