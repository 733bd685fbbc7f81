/** Who a mosquitto.conf lets in and what they may do, as `authentication`, `clientIds` and `authorization`. */
import type { ImportContext } from './mosquitto-context.ts';
import type { GivenOption } from './mosquitto-file.ts';
import { isSecure } from './mosquitto-listeners.ts';
import type { GivenOptions, MosquittoListener } from './mosquitto-sections.ts';

interface Method {
  readonly name: string;
  readonly entry: Readonly<Record<string, unknown>>;
  readonly line: number | undefined;
  readonly above: readonly string[];
}

/** How a listener asks who somebody is; `open`: not at all. */
type Door =
  | { readonly kind: 'certificate'; readonly authority: string; readonly option: GivenOption }
  | { readonly kind: 'password'; readonly file: GivenOption; readonly isAnonymousAllowed: boolean }
  | { readonly kind: 'open' }
  | { readonly kind: 'nobody'; readonly why: string };

/** A password file without users. */
const NO_USERS = '/dev/null';

/** Sets `authentication`, `clientIds` and `authorization`; `authorities` says whose certificates each listener asks for. */
export function importAccess(context: ImportContext, authorities: ReadonlyMap<MosquittoListener, string>): void {
  const doors = context.listeners.map((listener) => doorOf(context, listener, authorities.get(listener)));
  const aclFile = context.listeners.map((listener) => securityOf(context, listener).get('acl_file')).find(Boolean);
  const isAnybodyAsked = aclFile !== undefined || authorities.size > 0 || doors.some(({ kind }) => kind !== 'open');
  for (const [index, door] of doors.entries()) importDoor(context, door, index, isAnybodyAsked);
  if (isAnybodyAsked) importMethods(context, doors);
  importClientIds(context);
  if (aclFile !== undefined) importAcl(context, aclFile);
}

function importDoor(context: ImportContext, door: Door, index: number, isAnybodyAsked: boolean): void {
  const listener = context.listeners[index];
  const anonymous = allowAnonymous(context, listener);
  if (door.kind === 'open' || (door.kind === 'password' && door.isAnonymousAllowed))
    context.draft.set(['listeners', index, 'allowAnonymous'], true, { line: anonymous?.line });
  if (door.kind === 'nobody') context.note(listener.start, `nobody can connect, as with Mosquitto: ${door.why}`);
  if (door.kind === 'open' && isAnybodyAsked)
    context.note(anonymous, 'a user name counts for nothing: without a password_file Mosquitto believes any name');
}

function importMethods(context: ImportContext, doors: readonly Door[]): void {
  const methods = new Map<string, Method>();
  const used = doors.map((door) => methodOf(context, door, methods));
  for (const [index, { name }] of used.entries())
    if (methods.size > 1) context.draft.set(['listeners', index, 'authentication'], [name]);
  for (const [index, { name, entry, line, above }] of [...methods.values()].entries()) {
    const whole = entry.method === name ? entry : { name, ...entry };
    for (const [key, value] of Object.entries(whole))
      context.draft.set(['authentication', index, key], value, key === 'file' ? { line, above } : {});
  }
}

function securityOf({ sections }: ImportContext, listener: MosquittoListener): GivenOptions {
  return sections.isPerListener ? listener.options : sections.general;
}

function allowAnonymous(context: ImportContext, listener: MosquittoListener): GivenOption | undefined {
  return listener.options.get('listener_allow_anonymous') ?? securityOf(context, listener).get('allow_anonymous');
}

function doorOf(context: ImportContext, listener: MosquittoListener, authority: string | undefined): Door {
  const { options } = listener;
  const [subject, identity] = ['use_subject_as_username', 'use_identity_as_username'].map((name) => options.get(name));
  const option = [identity, subject].find((given) => context.isOn(given));
  if (option !== undefined && authority !== undefined) return { kind: 'certificate', authority, option };
  if (option !== undefined && isSecure(listener))
    return {
      kind: 'nobody',
      why: `${option.name} needs a certificate, and without require_certificate none is asked for`,
    };
  if (option !== undefined && options.get('enable_proxy_protocol') !== undefined) {
    context.lost(option, 'the method certificate takes what listeners[].proxy tells of certificates');
    return { kind: 'nobody', why: 'it needs the certificate that the proxy tells of' };
  }
  const anonymous = allowAnonymous(context, listener);
  const isAnonymousAllowed = anonymous === undefined ? context.sections.isLocal : context.isOn(anonymous);
  const file = securityOf(context, listener).get('password_file');
  if (file !== undefined) return { kind: 'password', file, isAnonymousAllowed };
  if (isAnonymousAllowed) return { kind: 'open' };
  return { kind: 'nobody', why: 'no password_file, no allow_anonymous' };
}

/** The method of a door, one for all doors of the same kind. */
function methodOf(context: ImportContext, door: Door, methods: Map<string, Method>): Method {
  const key = door.kind === 'certificate' ? door.authority : door.kind === 'password' ? door.file.value : door.kind;
  const id = JSON.stringify([door.kind, key]);
  const former = methods.get(id);
  if (former !== undefined) return former;
  const method = newMethod(
    context,
    door,
    [...methods.values()].map(({ name }) => name),
  );
  methods.set(id, method);
  return method;
}

function newMethod(context: ImportContext, door: Door, taken: readonly string[]): Method {
  const base = { certificate: 'certificate', password: 'passwordFile', open: 'anonymous', nobody: 'nobody' }[door.kind];
  const same = taken.filter((name) => name === base || name.startsWith(`${base}-`)).length;
  const name = same === 0 ? base : `${base}-${same + 1}`;
  switch (door.kind) {
    case 'certificate': {
      const entry = { method: 'certificate', authorities: [door.authority], username: 'cn', match: 'none' };
      return { name, entry, line: door.option.line, above: [] };
    }
    case 'password': {
      const file = context.path(door.file);
      return { name, entry: { method: 'passwordFile', file }, line: door.file.line, above: [] };
    }
    case 'open':
      return { name, entry: { method: 'anonymous', acceptsUsername: true }, line: undefined, above: [] };
    case 'nobody': {
      const above = ['No users: give this listener a way in.'];
      return { name, entry: { method: 'passwordFile', file: NO_USERS }, line: undefined, above };
    }
  }
}

function importClientIds(context: ImportContext): void {
  const prefixes = context.sections.general.get('clientid_prefixes');
  if (prefixes === undefined) return;
  if (/[{}]/.test(prefixes.value)) {
    context.lost(prefixes, 'braces cannot stand in the template of clientIds');
    return;
  }
  context.draft.set(['clientIds', 0, 'template'], `${prefixes.value}{rest}`, { line: prefixes.line });
}

/** There is one set of rules for all listeners: the first file counts everywhere, which opens nothing. */
function importAcl(context: ImportContext, aclFile: GivenOption): void {
  const { draft, listeners, sections } = context;
  draft.set(['authorization', 'aclFile'], context.path(aclFile), { line: aclFile.line });
  const above = ['As with Mosquitto: every subscription is granted, and each message checked.'];
  draft.set(['authorization', 'broaderFilter'], 'check', { above });
  if (!sections.isPerListener) return;
  const others = listeners.map((listener) => listener.options.get('acl_file'));
  for (const other of others)
    if (other !== undefined && other.value !== aclFile.value)
      context.lost(other, `the rules of line ${aclFile.line} hold on every listener; write rules with groups instead`);
  if (others.includes(undefined))
    context.note(aclFile, 'the rules hold on every listener here, also on those that had none');
}
