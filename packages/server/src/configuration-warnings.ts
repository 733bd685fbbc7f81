/** What a configuration may have, and what will surprise whoever wrote it: each a sentence that begins with its path. */
import { deniedTopics, sharedTopics } from '@dunlin/devices/configuration';
import { quoted } from '@dunlin/protocol';
import type { Configuration, ListenerConfiguration } from './configuration.ts';
import { type DevicesConfiguration, deviceTypes } from './device-configuration.ts';

/** Every warning; empty where there is none. For a configuration without contradictions. */
export function warningsOf(configuration: Pick<Configuration, 'listeners' | 'authentication' | 'devices'>): string[] {
  const { devices } = configuration;
  if (devices === undefined) return [];
  return [
    ...methodsNeverAsked(configuration),
    ...typesWithoutListener(configuration, devices),
    ...deviceTypes(devices).flatMap((type) => [...sharedTopics(type), ...deniedTopics(type)]),
  ];
}

/** Of these a client comes with a User Name, which `devices` answers for, whether it is a device or not. */
const BY_USERNAME = ['passwordFile', 'users', 'jwt', 'http'];

/** Methods that stand behind `devices` at every listener that asks them. */
function methodsNeverAsked({
  listeners,
  authentication,
}: Pick<Configuration, 'listeners' | 'authentication'>): string[] {
  const chains = listeners.map(({ authentication: names }) =>
    names === undefined ? authentication : authentication.filter(({ name }) => names.includes(name)),
  );
  return authentication.flatMap((method, index) => {
    const asking = chains.filter((chain) => chain.includes(method));
    const devices = asking.map((chain) =>
      chain.slice(0, chain.indexOf(method)).find((earlier) => earlier.method === 'devices'),
    );
    if (!BY_USERNAME.includes(method.method) || asking.length === 0 || devices.includes(undefined)) return [];
    return [
      `authentication[${index}] is the method ${quoted(method.name)}, and ${quoted(devices[0]?.name ?? '')} before it ` +
        'refuses every User Name that is no device: who comes with one by MQTT is never asked about there; ' +
        'the method devices behind it is expected',
    ];
  });
}

/** Types whose devices come with a certificate, where no listener asks for one. */
function typesWithoutListener(
  configuration: Pick<Configuration, 'listeners' | 'authentication'>,
  devices: DevicesConfiguration,
): string[] {
  const { listeners } = configuration;
  if (listeners.length === 0) return [];
  const names = [devices.authority?.name, ...devices.registration.map(({ authority }) => authority)];
  const authorities = names.filter((name) => name !== undefined);
  if (listeners.some((listener) => asksForCertificates(configuration, listener, authorities))) return [];
  const how =
    authorities.length === 0
      ? 'an authority under devices.authority, and a listener that asks for its certificates, are expected'
      : `tls.clientCertificate: optional and tls.authorities: [${authorities[0]}] at a listener for devices are expected`;
  return Object.entries(devices.types)
    .filter(([, { credential }]) => credential === 'certificate')
    .map(
      ([name]) =>
        `devices.types.${name}.credential is certificate and no listener asks for certificates of devices: no ` +
        `${quoted(name)} can connect; ${how}`,
    );
}

/** Whether devices come in there by a certificate: one of TLS, or one of which a proxy tells. */
function asksForCertificates(
  { authentication }: Pick<Configuration, 'authentication'>,
  { tls, proxy, authentication: names }: ListenerConfiguration,
  authorities: readonly string[],
): boolean {
  const asksDevices = authentication.some(
    ({ method, name }) => method === 'devices' && (names === undefined || names.includes(name)),
  );
  if (!asksDevices) return false;
  if (proxy?.clientCertificateHeader !== undefined) return authorities.length > 0;
  if ((tls?.clientCertificate ?? 'none') === 'none') return false;
  return authorities.some((name) => tls?.authorities === undefined || tls.authorities.includes(name));
}
