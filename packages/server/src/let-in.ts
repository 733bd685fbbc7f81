/** Who is let in at a listener, in words for the first screen. */
import { isLoopback } from './address.ts';
import type { Configuration, ListenerConfiguration } from './configuration.ts';
import type { MethodConfiguration } from './identity-configuration.ts';

/** What the method asks for; methods with the same word are told once. */
const ASKED: Readonly<Record<MethodConfiguration['method'], string>> = {
  passwordFile: 'passwords',
  users: 'passwords',
  jwt: 'tokens',
  http: 'a service over HTTP',
  certificate: 'certificates',
  scram: 'SCRAM',
  devices: 'credentials of devices',
  anonymous: 'nothing',
};

/** The methods that can answer at the listener, in their order. */
export function methodsAt(
  { authentication }: Configuration,
  { authentication: names, tls, proxy }: ListenerConfiguration,
): readonly MethodConfiguration[] {
  const asked = names === undefined ? authentication : authentication.filter(({ name }) => names.includes(name));
  const hasCertificates = (tls?.clientCertificate ?? 'none') !== 'none' || proxy !== undefined;
  return asked.filter(({ method }) => method !== 'certificate' || hasCertificates);
}

/** Whether somebody who shows nothing is let in. */
export function isOpen(configuration: Configuration, listener: ListenerConfiguration): boolean {
  if (configuration.authentication.length === 0 || listener.allowAnonymous) return true;
  return methodsAt(configuration, listener).some(({ method }) => method === 'anonymous');
}

/** Whether whoever was let in may do everything; devices may do what their type allows. */
export function isWithoutRules({ authorization, authentication }: Configuration): boolean {
  const { rules, roles, rulesFile, aclFile } = authorization;
  const isForDevices = authentication.length > 0 && authentication.every(({ method }) => method === 'devices');
  return !isForDevices && [rules, roles, rulesFile, aclFile].every((place) => place === undefined);
}

/** Such as `asks who you are: certificates, passwords`. */
export function letInText(configuration: Configuration, listener: ListenerConfiguration): string {
  const methods = methodsAt(configuration, listener).filter(({ method }) => method !== 'anonymous');
  const words = [...new Set(methods.map(({ method }) => ASKED[method]))].join(', ');
  if (isOpen(configuration, listener)) {
    const open = openText(listener);
    return words === '' ? open : `${open}; asks who shows something: ${words}`;
  }
  // Certificates were left out as ones that nobody can show here.
  return words === '' ? 'lets in NOBODY: no method of authentication can answer here' : `asks who you are: ${words}`;
}

function openText({ transport, host, mode, proxy }: ListenerConfiguration): string {
  if (proxy !== undefined) return 'open to EVERYBODY whom the proxy lets through';
  if (transport === 'unix') return `open to programs of this machine that may use the socket (mode ${mode})`;
  return isLoopback(host) ? 'open to this machine alone' : 'open to EVERYBODY who can reach this machine';
}
