/** Owners of devices sign in at the page with a password by which they may connect by MQTT as well. */
import type { Configuration } from './configuration.ts';

/** Methods by which owners may connect and then publish and subscribe to everything: there is no rule. */
export function ownersWithoutRules({ authentication, authorization, devices, listeners }: Configuration): string[] {
  const { rules, rulesFile, aclFile } = authorization;
  const hasRules = [rules, rulesFile, aclFile].some((one) => one !== undefined);
  const hasPage = listeners.some(({ api }) => api) && Object.values(devices?.types ?? {}).some(isClaimable);
  if (hasRules || !hasPage) return [];
  return authentication
    .filter(({ method }) => method === 'passwordFile' || method === 'users')
    .map(({ name }) => name)
    .filter((name) => listeners.some((listener) => listener.authentication?.includes(name) ?? true));
}

function isClaimable({ claimable }: { readonly claimable?: boolean | undefined }): boolean {
  return claimable === true;
}
