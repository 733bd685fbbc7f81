/** What the HTTP method sends to its service: texts with variables, filled from CONNECT and the connection. */
import { X509Certificate } from 'node:crypto';
import type { AuthenticationRequest } from '@dunlin/broker';

/** Each variable of a body, and its value for a client; undefined where the client has none. */
const VARIABLES: Readonly<Record<string, (request: AuthenticationRequest) => string | undefined>> = {
  username: ({ connect }) => connect.username,
  password: ({ connect }) => {
    const { password } = connect;
    return password === undefined || password.length === 0 ? undefined : utf8(password);
  },
  clientId: ({ connect }) => connect.clientId,
  protocolVersion: ({ connect }) => String(connect.protocolVersion),
  address: ({ peer }) => peer.address,
  listener: ({ listener }) => listener,
  serverName: ({ peer }) => peer.serverName,
  certificateSubject: (request) => certificateOf(request)?.subject,
  certificateIssuer: (request) => certificateOf(request)?.issuer,
  certificateSerial: (request) => certificateOf(request)?.serialNumber,
  certificateFingerprint: (request) => certificateOf(request)?.fingerprint256,
};

/** What is sent where the configuration says nothing else: every variable by its own name. */
export const DEFAULT_BODY: Readonly<Record<string, string>> = Object.fromEntries(
  Object.keys(VARIABLES).map((name) => [name, `{${name}}`]),
);

/** Whether a text of a body holds a variable. */
export function usesVariable(texts: Readonly<Record<string, string>>, variable: string): boolean {
  return Object.values(texts).some((text) => text.includes(`{${variable}}`));
}

/**
 * Compiles a body: names and texts in which `{variable}` stands for a value. A text that is one variable and nothing
 * else becomes `null` for a client that has no such value, inside other text it becomes nothing.
 *
 * Throws an `Error` for an unknown variable. What it returns makes the body in JSON, and throws a `TypeError` where the
 * password is not UTF-8, which JSON cannot carry.
 */
export function bodyTemplate(texts: Readonly<Record<string, string>>): (request: AuthenticationRequest) => string {
  const entries = Object.entries(texts);
  for (const [name, text] of entries)
    for (const [, variable] of text.matchAll(/\{([^{}]*)\}/g))
      if (!Object.hasOwn(VARIABLES, variable))
        throw new Error(
          `Cannot read "${name}" of the body: one of ${Object.keys(VARIABLES).join(', ')} is expected between braces, ` +
            `"${variable}" was found`,
        );
  return (request) => JSON.stringify(Object.fromEntries(entries.map(([name, text]) => [name, filled(text, request)])));
}

function filled(text: string, request: AuthenticationRequest): string | null {
  const only = /^\{([^{}]*)\}$/.exec(text)?.[1];
  if (only !== undefined) return VARIABLES[only](request) ?? null;
  return text.replace(/\{([^{}]*)\}/g, (_, variable: string) => VARIABLES[variable](request) ?? '');
}

function utf8(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
}

function certificateOf({ peer }: AuthenticationRequest): X509Certificate | undefined {
  const own = peer.certificates?.[0];
  return own === undefined ? undefined : new X509Certificate(own);
}
