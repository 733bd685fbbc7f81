/** What a configuration alone says of a client: its groups and attributes, and what only a connection would show. */

import { NOBODY, type Principal } from '@dunlin/broker';
import { clientIdRules, parseCredentials, readCredentialText } from '@dunlin/identity';
import { type Configuration, ConfigurationError } from './configuration.ts';
import type { CertificateConfiguration, MethodConfiguration } from './identity-configuration.ts';

/** Who is asked for; what is given adds to what the configuration says. */
export interface AskedClient {
  readonly clientId: string;
  /** Undefined: an anonymous client. */
  readonly username: string | undefined;
  /** Of its certificate. */
  readonly commonName: string | undefined;
  readonly groups: readonly string[];
  readonly attributes: Readonly<Record<string, string>>;
}

export interface ConfiguredClient {
  /** Undefined also where the method that lets the client in forgets its name. */
  readonly username: string | undefined;
  readonly groups: readonly string[];
  readonly attributes: Readonly<Record<string, string>>;
  /** What the configuration cannot say, or says against the client. Each a line. */
  readonly notes: readonly string[];
}

/** What the first method that knows the client says of it. */
interface Known {
  readonly groups?: readonly string[];
  readonly attributes?: Readonly<Record<string, string>>;
  readonly isNameless?: boolean;
  readonly note?: string;
}

/**
 * Asks the methods in their order, as if the client had proved to be who it says. Reads password files.
 * @throws ConfigurationError where a file or a template cannot be used
 */
export function configuredClient(configuration: Configuration, asked: AskedClient): ConfiguredClient {
  try {
    const notes: string[] = [];
    const known = knownClient(configuration.authentication, asked, notes);
    const username = known.isNameless === true ? undefined : asked.username;
    const groups = [...new Set([...(known.groups ?? []), ...asked.groups])];
    // Without a prototype: an attribute may have any name.
    const attributes = Object.assign(Object.create(null), known.attributes, asked.attributes);
    const certificate =
      asked.commonName === undefined ? undefined : { authority: '', serial: '', commonName: asked.commonName };
    const principal = { ...NOBODY, username, groups, attributes, certificate };
    return {
      username,
      groups,
      attributes: { ...fieldsOf(configuration, asked.clientId, principal, notes), ...attributes },
      notes,
    };
  } catch (error) {
    throw new ConfigurationError([(error as Error).message]);
  }
}

function knownClient(methods: readonly MethodConfiguration[], asked: AskedClient, notes: string[]): Known {
  const unsure: string[] = [];
  for (const method of methods) {
    const known = knownTo(method, asked);
    if (known === 'perhaps') unsure.push(JSON.stringify(method.name));
    else if (known !== undefined) {
      if (known.note !== undefined) notes.push(known.note);
      if (unsure.length > 0) notes.push(`asked first: the method ${unsure.join(', ')} may know the client otherwise`);
      return known;
    }
  }
  if (unsure.length > 0) {
    if (asked.groups.length === 0)
      notes.push(`groups: none known (give -g): the method ${unsure.join(', ')} may give some`);
  } else if (asked.username !== undefined && methods.length > 0)
    notes.push(`no method of the configuration knows the user ${JSON.stringify(asked.username)}: it is not let in`);
  return {};
}

/** Undefined where the method says nothing of the client, `perhaps` where only a connection shows it. */
function knownTo(method: MethodConfiguration, asked: AskedClient): Known | 'perhaps' | undefined {
  const { username } = asked;
  switch (method.method) {
    case 'users': {
      const user = method.users.find(({ name }) => name === username);
      if (user === undefined) return undefined;
      const { groups, attributes } = user;
      return {
        groups,
        attributes,
        note: user.disabled ? `the user ${JSON.stringify(username)} is disabled` : undefined,
      };
    }
    case 'passwordFile':
    case 'scram':
      return username !== undefined && hasUser(method.file, username) ? { groups: method.groups } : undefined;
    case 'certificate':
      return knownByCertificate(method, asked);
    case 'anonymous':
      if (username !== undefined && method.acceptsUsername !== true) return undefined;
      return {
        groups: method.groups,
        isNameless: true,
        note: username === undefined ? undefined : `the method ${JSON.stringify(method.name)} forgets the user name`,
      };
    case 'jwt':
    case 'http':
      return 'perhaps';
  }
}

function knownByCertificate(method: CertificateConfiguration, asked: AskedClient): Known | 'perhaps' | undefined {
  const { username: kind = 'cn', match = 'username', groups } = method;
  if (kind !== 'cn' || asked.commonName === undefined) return 'perhaps';
  const shown = { username: asked.username, clientId: asked.clientId, none: asked.commonName }[match];
  return shown === asked.commonName ? { groups } : undefined;
}

function hasUser(file: string, username: string): boolean {
  // A user may have a line for each mechanism of SCRAM.
  const credentials = parseCredentials(
    file,
    readCredentialText(file),
    (credential) => credential,
    (text) => text,
  );
  return credentials.some(({ user }) => user === username);
}

/** What the templates for Client Identifiers read, on the first listener where the client may come in. */
function fieldsOf(
  { clientIds, listeners }: Configuration,
  clientId: string,
  principal: Principal,
  notes: string[],
): Readonly<Record<string, string>> {
  const rules = clientIdRules(
    clientIds.map(({ listeners, groups, ...rule }) => ({ ...rule, for: { listeners, groups } })),
  );
  const verdicts = listeners.map(({ name }) => ({ name, verdict: rules.judge(clientId, name, principal) }));
  const isSame = verdicts.every(({ verdict }) => JSON.stringify(verdict) === JSON.stringify(verdicts[0].verdict));
  const { name, verdict } = verdicts.find((one) => one.verdict.kind === 'match') ?? verdicts[0];
  const where = isSame ? '' : ` on the listener ${JSON.stringify(name)}`;
  if (verdict.kind === 'refuse') {
    notes.push(`not let in${where}: ${verdict.detail}`);
    return {};
  }
  if (!isSame) notes.push(`client id read as${where}: others read it otherwise`);
  return verdict.fields;
}
