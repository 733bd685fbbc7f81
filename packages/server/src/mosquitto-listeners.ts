/** The listeners of a mosquitto.conf as `listeners` and `authorities`. */
import { LIMITS } from '@dunlin/broker';
import { LOCALHOST } from './address.ts';
import { MQTT_PORT } from './listener-table.ts';
import type { ImportContext } from './mosquitto-context.ts';
import type { GivenOption } from './mosquitto-file.ts';
import type { GivenOptions, MosquittoListener } from './mosquitto-sections.ts';

type Path = readonly (string | number)[];

const PORT_MAX = 65_535;
const VERSION_NAMES: Readonly<Record<string, string>> = { 3: '3.1', 4: '3.1.1', 5: '5.0' };
/** Options that say nothing without a certificate. */
const TLS_ALONE = ['cafile', 'crlfile', 'require_certificate', 'tls_version', 'use_identity_as_username'];

/** Sets `listeners` and `authorities`. The authority of each listener that asks for certificates is returned. */
export function importListeners(context: ImportContext): ReadonlyMap<MosquittoListener, string> {
  const authorities = new Map<string, string>();
  const ofListener = new Map<MosquittoListener, string>();
  for (const [index, listener] of context.listeners.entries()) {
    const at: Path = ['listeners', index];
    // First in the entry, whatever it becomes.
    context.draft.set([...at, 'transport'], 'tcp');
    const isUnix = importPlace(context, listener, at);
    importTransport(context, listener, at, isUnix);
    importLimits(context, listener, at);
    const authority = importTls(context, listener, at, authorities);
    if (authority !== undefined) ofListener.set(listener, authority);
  }
  for (const [index, [key, name]] of [...authorities].entries()) {
    const [certificate, crl] = JSON.parse(key) as [string, string | null];
    context.draft.set(['authorities', index, 'name'], name);
    context.draft.set(['authorities', index, 'certificate'], certificate);
    if (crl === null) continue;
    context.draft.set(['authorities', index, 'crl'], crl);
    const above = ['As with OpenSSL: an expired list lets nobody in. accept goes on with it, and warns.'];
    context.draft.set(['authorities', index, 'crlExpired'], 'refuse', { above });
  }
  return ofListener;
}

/** Whether a listener has TLS. */
export function isSecure({ options }: MosquittoListener): boolean {
  return options.get('certfile') !== undefined && options.get('keyfile') !== undefined;
}

/** Port and address, or the path of a Unix socket; says whether it is one. */
function importPlace(context: ImportContext, { start, options }: MosquittoListener, at: Path): boolean {
  const { draft, values, sections } = context;
  const given = start ?? options.get('port');
  const port = given === undefined ? MQTT_PORT : values.number(given);
  const [, second] = start?.value.split(/ +/) ?? [];
  const named = second === undefined || second.startsWith('#') ? undefined : second;
  if (given !== undefined && port !== undefined && (port < 0 || port > PORT_MAX || (port === 0 && named === undefined)))
    values.wrong(given, start === undefined ? 'a port' : 'a port, or 0 and the path of a Unix socket');
  const line = given?.line;
  if (port === 0 && given !== undefined && named !== undefined) {
    draft.set([...at, 'transport'], 'unix', { line });
    draft.set([...at, 'path'], context.path(given, named), { line });
    return true;
  }
  const bound = options.get('bind_address');
  const host = named ?? bound?.value ?? (sections.isLocal ? LOCALHOST : unnamedHost(context, options));
  const above = host === '::' || host === '0.0.0.0' ? ['Every address.'] : [];
  draft.set([...at, 'host'], host, { line: named === undefined ? bound?.line : line, above });
  draft.set([...at, 'port'], port, { line });
  return false;
}

/** Every address, unless the original had one interface alone: its addresses are not known here. */
function unnamedHost(context: ImportContext, options: GivenOptions): string {
  if (options.get('bind_interface') !== undefined) return LOCALHOST;
  const domain = options.get('socket_domain');
  const host = domain === undefined ? '::' : context.values.choice(domain, { ipv4: '0.0.0.0', ipv6: '::' });
  if (domain !== undefined && host === '::') context.note(domain, 'the address :: takes IPv4 as well');
  return host ?? '::';
}

function importTransport(context: ImportContext, listener: MosquittoListener, at: Path, isUnix: boolean): void {
  const { draft, values } = context;
  const { options } = listener;
  const protocol = options.get('protocol');
  const isWeb =
    protocol !== undefined && values.choice(protocol, { mqtt: false, websockets: true, http_api: false }) === true;
  if (isUnix) {
    if (isWeb) context.lost(protocol, 'a Unix socket serves MQTT itself');
  } else if (isWeb) {
    const above = ['At the paths /mqtt and /; Mosquitto serves any.'];
    draft.set([...at, 'transport'], isSecure(listener) ? 'wss' : 'ws', { line: protocol.line, above });
    importOrigins(context, options.all('websockets_origin'), at);
  } else if (isSecure(listener)) draft.set([...at, 'transport'], 'tls', { line: options.get('certfile')?.line });
  const versions = options.get('accept_protocol_versions');
  if (versions === undefined) return;
  const names = versions.value.split(/[, \t]+/).map((level) => VERSION_NAMES[level]);
  if (names.includes(undefined as never)) values.wrong(versions, 'a list of 3, 4 and 5');
  draft.set([...at, 'versions'], names, { line: versions.line });
}

function importOrigins(context: ImportContext, origins: readonly GivenOption[], at: Path): void {
  const above = origins.length > 0 ? [] : ['As with Mosquitto; "own" or a list of origins keeps other web pages out.'];
  const names = origins.length > 0 ? origins.map(({ value }) => value) : ['any'];
  context.draft.set([...at, 'origins'], names, { line: origins[0]?.line, above });
}

function importLimits(context: ImportContext, { options }: MosquittoListener, at: Path): void {
  const option = options.get('max_connections');
  const count = option === undefined ? 0 : (context.values.number(option) ?? 0);
  const within = Math.min(count, LIMITS.connectionsMax.maximum);
  if (count > 0) context.draft.set([...at, 'limits', 'connectionsMax'], within, { line: option?.line });
}

/** The name of the authority whose certificates clients must show, where they must. */
function importTls(
  context: ImportContext,
  listener: MosquittoListener,
  at: Path,
  authorities: Map<string, string>,
): string | undefined {
  const { draft, values } = context;
  const { options } = listener;
  const [certificate, key, version] = ['certfile', 'keyfile', 'tls_version'].map((name) => options.get(name));
  if (certificate === undefined || key === undefined) {
    const alone = certificate ?? key;
    if (alone !== undefined) values.problem(alone, `${alone.name} stands alone: certfile and keyfile are expected`);
    for (const name of TLS_ALONE) {
      const option = options.get(name);
      if (option !== undefined) context.needless(option, 'it counts only beside certfile and keyfile');
    }
    return undefined;
  }
  draft.set([...at, 'tls', 'certificate'], context.path(certificate), { line: certificate.line });
  draft.set([...at, 'tls', 'key'], context.path(key), { line: key.line });
  if (version !== undefined) {
    const least = values.choice(version, { 'tlsv1.3': '1.3', 'tlsv1.2': '1.2', 'tlsv1.1': '1.1' });
    if (least === '1.1') context.lost(version, 'TLS 1.2 is the oldest that is served');
    else draft.set([...at, 'tls', 'minVersion'], least, { line: version.line });
  }
  return importClientCertificates(context, listener, at, authorities);
}

function importClientCertificates(
  context: ImportContext,
  { options }: MosquittoListener,
  at: Path,
  authorities: Map<string, string>,
): string | undefined {
  const required = options.get('require_certificate');
  const [file, crl] = [options.get('cafile'), options.get('crlfile')];
  if (required === undefined || !context.isOn(required)) {
    for (const option of [file, crl])
      if (option !== undefined) context.needless(option, 'without require_certificate no client is asked for one');
    return undefined;
  }
  if (file === undefined) {
    context.values.problem(required, 'require_certificate is true: a cafile is expected for the same listener');
    return undefined;
  }
  const authority = JSON.stringify([context.path(file), crl === undefined ? null : context.path(crl)]);
  const name = authorities.get(authority) ?? `clients${authorities.size === 0 ? '' : `-${authorities.size + 1}`}`;
  authorities.set(authority, name);
  context.draft.set([...at, 'tls', 'clientCertificate'], 'required', { line: required.line });
  context.draft.set([...at, 'tls', 'authorities'], [name], { line: file.line });
  return name;
}
