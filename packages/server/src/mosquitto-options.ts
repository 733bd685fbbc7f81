/** Every option of the mosquitto.conf of Mosquitto 2.0 and 2.1 in one table: what it holds, and what becomes of it here. */

/** What becomes of an option. */
export type Fate =
  /** The key of the configuration that takes its place; `zeroIsMost` where 0 stands for no limit. */
  | { readonly key: string; readonly zeroIsMost?: true }
  /** Nothing is lost without it, and why. */
  | { readonly needless: string }
  /** Not carried, what to do instead, and the values with which nothing is lost. */
  | { readonly instead: string; readonly unless?: readonly string[] };

export interface MosquittoOption {
  /**
   * Where it counts. `security`: as `listener` with per_listener_settings, else as `global`. `bridge`: for the
   * connection above it.
   */
  readonly scope: 'global' | 'listener' | 'security' | 'bridge';
  readonly value: 'switch' | 'number' | 'text';
  readonly fate: Fate;
  /** May be given more than once; of any other the last one counts, unless `isOnce`. */
  readonly isList?: true;
  /** Mosquitto refuses a second one, for the same listener where it is one of a listener. */
  readonly isOnce?: true;
  /** Of a number, what Mosquitto takes; `zero`: also 0. */
  readonly range?: { readonly least: number; readonly most: number; readonly zero?: true };
}

function option(scope: MosquittoOption['scope'], value: MosquittoOption['value'], fate: Fate): MosquittoOption {
  return { scope, value, fate };
}

const key = (path: string): Fate => ({ key: path });
const most = (path: string): Fate => ({ key: path, zeroIsMost: true });
const needless = (why: string): Fate => ({ needless: why });
const lost = (instead: string, ...unless: string[]): Fate => ({ instead, unless });

const PLUGINS =
  'there are no plugins: the methods jwt and http of authentication may take its place, and authorization, without which ' +
  'whoever is let in may do everything';
const PSK = 'there are no pre-shared keys: use certificates (dunlin init makes them) or passwords over TLS';
const ENGINE = 'keys come from files alone';
const DISK = 'whatever was acknowledged is on disk already';
const REMOVED = 'Mosquitto 2 does nothing with it either';
const BRIDGES = 'there are no bridges yet: Mosquitto can go on as the bridge, a client of both sides';

const bridge = option('bridge', 'text', lost(BRIDGES));
const plugin = option('global', 'text', lost(PLUGINS));

const general: Readonly<Record<string, MosquittoOption>> = {
  acl_file: option('security', 'text', key('authorization.aclFile')),
  allow_anonymous: option('security', 'switch', key('listeners[].allowAnonymous')),
  allow_duplicate_messages: option(
    'global',
    'switch',
    needless('overlapping subscriptions bring one copy, with the highest QoS'),
  ),
  allow_zero_length_clientid: option(
    'security',
    'switch',
    lost('clients without a Client Identifier get one; a form in clientIds says what others must look like', 'true'),
  ),
  auto_id_prefix: option('security', 'text', lost('identifiers given by the server have no prefix of your choice')),
  autosave_interval: option('global', 'number', needless(DISK)),
  autosave_on_changes: option('global', 'switch', needless(DISK)),
  check_retain_source: option(
    'global',
    'switch',
    lost('retained messages stay when their publisher loses its right: clear them', 'false'),
  ),
  clientid_prefixes: option('global', 'text', key('clientIds[].template')),
  connection_messages: option(
    'global',
    'switch',
    lost('connections are logged at the level info: log.level warn leaves them out, with the rest of info', 'true'),
  ),
  enable_control_api: option(
    'global',
    'switch',
    lost('there is no $CONTROL: dunlin store asks a running server', 'false'),
  ),
  global_max_clients: option('global', 'number', most('limits.sessionsMax')),
  global_max_connections: option('global', 'number', most('limits.connectionsMax')),
  include_dir: option('global', 'text', lost('put everything into one file')),
  log_dest: { ...option('global', 'text', key('log.to')), isList: true },
  log_facility: option('global', 'number', lost('syslog gets everything under the facility "daemon"')),
  log_timestamp: option('global', 'switch', needless('every line of the log has its time')),
  log_timestamp_format: option('global', 'text', needless('the times of the log are as in ISO 8601')),
  log_type: { ...option('global', 'text', key('log.level')), isList: true },
  max_inflight_bytes: option(
    'global',
    'number',
    lost('limits.inflightMessagesMax and limits.outboxBytesMax bound what is on its way', '0'),
  ),
  max_inflight_messages: option('global', 'number', most('limits.inflightMessagesMax')),
  max_keepalive: option('global', 'number', most('limits.keepAliveMaxS')),
  max_packet_size: option('global', 'number', key('limits.maximumPacketSize')),
  max_queued_bytes: option('global', 'number', most('limits.queueBytesMax')),
  max_queued_messages: option('global', 'number', most('limits.queueMessagesMax')),
  memory_limit: option(
    'global',
    'number',
    lost('limits.heldBytesMax bounds the memory for messages that wait; systemd (MemoryMax) that of the process', '0'),
  ),
  message_size_limit: option('global', 'number', key('limits.maximumPacketSize')),
  packet_buffer_size: option('global', 'number', needless('buffers grow as packets need them')),
  password_file: option('security', 'text', key('authentication')),
  per_listener_settings: option('global', 'switch', key('listeners[].authentication')),
  persistence: option('global', 'switch', key('durability')),
  persistence_file: option('global', 'text', needless('the store has files and names of its own in its directory')),
  persistence_location: option('global', 'text', key('data')),
  persistent_client_expiration: option('global', 'text', key('limits.sessionExpiryMaxS')),
  pid_file: option('global', 'text', lost('systemd knows the process, and the log names its pid at the start')),
  psk_file: option('security', 'text', lost(PSK)),
  queue_qos0_messages: option(
    'global',
    'switch',
    lost('QoS 0 does not wait for absent clients: publish with QoS 1', 'false'),
  ),
  retain_available: option('global', 'switch', key('settings.retainAvailable')),
  retain_expiry_interval: option('global', 'number', lost('publish with a Message Expiry Interval (MQTT 5.0)')),
  retained_persistence: option('global', 'switch', key('durability')),
  retry_interval: option('global', 'number', needless(REMOVED)),
  set_tcp_nodelay: option('global', 'switch', needless('it is always on')),
  store_clean_interval: option('global', 'number', needless(REMOVED)),
  sys_interval: option('global', 'number', key('settings.sysIntervalS')),
  trace_level: option('global', 'text', needless(REMOVED)),
  upgrade_outgoing_qos: option('global', 'switch', lost('the lower QoS counts, as the standard says', 'false')),
  user: option('global', 'text', lost('start dunlin as this user (systemd: User=); it never changes its user')),
  websockets_headers_size: option('global', 'number', needless('HTTP headers may have 16 KiB')),
  websockets_log_level: option('global', 'number', needless('WebSocket has no log of its own: log.level debug')),
};

const listeners: Readonly<Record<string, MosquittoOption>> = {
  accept_protocol_versions: option('listener', 'text', key('listeners[].versions')),
  bind_address: option('listener', 'text', key('listeners[].host')),
  bind_interface: option(
    'listener',
    'text',
    lost('the listener is for this machine alone until its host is an address of the interface'),
  ),
  cafile: option('listener', 'text', key('authorities[].certificate')),
  capath: option(
    'listener',
    'text',
    lost('join its files to one and name it in authorities: cat DIRECTORY/*.pem > ca.pem'),
  ),
  certfile: option('listener', 'text', key('listeners[].tls.certificate')),
  ciphers: option('listener', 'text', lost('the ciphers are those of Node.js (node --tls-cipher-list)')),
  'ciphers_tls1.3': option('listener', 'text', lost('the ciphers are those of Node.js (node --tls-cipher-list)')),
  crlfile: option('listener', 'text', key('authorities[].crl')),
  dhparamfile: option('listener', 'text', needless('key exchange is by elliptic curves, with forward secrecy')),
  disable_client_cert_date_checks: option(
    'listener',
    'switch',
    lost('an expired certificate never counts: renew it', 'false'),
  ),
  enable_proxy_protocol: option(
    'listener',
    'number',
    lost(
      'Mosquitto believes whoever connects; give the listener the addresses of your proxies: ' +
        'proxy: {protocol: v2, trusted: [192.0.2.1]}',
    ),
  ),
  http_dir: option('listener', 'text', lost('no files are served: let a web server do it')),
  keyfile: option('listener', 'text', key('listeners[].tls.key')),
  listener: option('listener', 'text', key('listeners[]')),
  listener_allow_anonymous: option('listener', 'switch', key('listeners[].allowAnonymous')),
  listener_auto_id_prefix: option(
    'listener',
    'text',
    lost('identifiers given by the server have no prefix of your choice'),
  ),
  max_connections: option('listener', 'number', key('listeners[].limits.connectionsMax')),
  max_qos: option('listener', 'number', key('settings.maximumQoS')),
  max_topic_alias: option('listener', 'number', key('limits.topicAliasMaximum')),
  max_topic_alias_broker: option('listener', 'number', key('limits.outboundTopicAliasMax')),
  maximum_qos: option('listener', 'number', key('settings.maximumQoS')),
  mount_point: option(
    'listener',
    'text',
    lost('clients of this listener see the topics of all: write rules that keep them apart'),
  ),
  port: option('listener', 'number', key('listeners[].port')),
  protocol: option('listener', 'text', key('listeners[].transport')),
  proxy_protocol_v2_require_tls: option(
    'listener',
    'switch',
    lost('let the proxy refuse connections without TLS', 'false'),
  ),
  psk_hint: option('listener', 'text', lost(PSK)),
  require_certificate: option('listener', 'switch', key('listeners[].tls.clientCertificate')),
  socket_domain: option('listener', 'text', key('listeners[].host')),
  tls_engine: option('listener', 'text', lost(ENGINE)),
  tls_engine_kpass_sha1: option('listener', 'text', lost(ENGINE)),
  tls_keyform: option('listener', 'text', lost(ENGINE, 'pem')),
  tls_version: option('listener', 'text', key('listeners[].tls.minVersion')),
  use_identity_as_username: option('listener', 'switch', key('authentication')),
  use_subject_as_username: option(
    'listener',
    'switch',
    lost('the user name is the Common Name here: write that into rules for users', 'false'),
  ),
  use_username_as_clientid: option(
    'listener',
    'switch',
    lost("clientIds: [{template: '{id}', equals: {id: '{username}'}}] asks clients to bring the same", 'false'),
  ),
  websockets_origin: { ...option('listener', 'text', key('listeners[].origins')), isList: true },
};

const pluginNames = [
  ...['auth_plugin', 'auth_plugin_deny_special_chars', 'global_plugin', 'plugin', 'plugin_load', 'plugin_use'],
];

/** `connection` begins a bridge. */
const bridgeNames = [
  ...['address', 'addresses', 'bridge_alpn', 'bridge_attempt_unsubscribe', 'bridge_bind_address', 'bridge_cafile'],
  ...['bridge_capath', 'bridge_certfile', 'bridge_ciphers', 'bridge_ciphers_tls1.3', 'bridge_identity'],
  ...['bridge_insecure', 'bridge_keyfile', 'bridge_max_packet_size', 'bridge_max_topic_alias'],
  ...['bridge_outgoing_retain', 'bridge_protocol_version', 'bridge_psk', 'bridge_receive_maximum'],
  ...['bridge_reload_type', 'bridge_require_ocsp', 'bridge_session_expiry_interval', 'bridge_tcp_keepalive'],
  ...['bridge_tcp_user_timeout', 'bridge_tls_use_os_certs', 'bridge_tls_version', 'cleansession', 'clientid'],
  ...['connection', 'idle_timeout', 'keepalive_interval', 'local_cleansession', 'local_clientid', 'local_password'],
  ...['local_username', 'notification_topic', 'notifications', 'notifications_local_only', 'password'],
  ...['remote_clientid', 'remote_password', 'remote_username', 'restart_timeout', 'round_robin', 'start_type'],
  ...['threshold', 'topic', 'try_private', 'username'],
];

const onceNames: readonly string[] = [
  ...['acl_file', 'auto_id_prefix', 'bind_address', 'bind_interface', 'cafile', 'capath', 'certfile', 'ciphers'],
  ...['ciphers_tls1.3', 'clientid_prefixes', 'crlfile', 'dhparamfile', 'http_dir', 'keyfile', 'log_timestamp_format'],
  ...['mount_point', 'password_file', 'persistence_file', 'persistence_location', 'pid_file', 'psk_file', 'psk_hint'],
  ...['tls_engine', 'tls_version', 'user'],
];

const ranges: Readonly<Record<string, MosquittoOption['range']>> = {
  log_facility: { least: 0, most: 7 },
  max_inflight_messages: { least: 0, most: 65_535 },
  max_keepalive: { least: 10, most: 65_535, zero: true },
  max_qos: { least: 0, most: 2 },
  max_topic_alias: { least: 0, most: 65_535 },
  maximum_qos: { least: 0, most: 2 },
  memory_limit: { least: 0, most: 0x7fffffff },
  sys_interval: { least: 0, most: 65_535 },
};

/** By name. */
export const MOSQUITTO_OPTIONS: ReadonlyMap<string, MosquittoOption> = new Map(
  [
    ...Object.entries(general),
    ...Object.entries(listeners),
    ...pluginNames.map((name) => [name, plugin] as const),
    ...bridgeNames.map((name) => [name, bridge] as const),
  ].map(([name, row]) => [
    name,
    { ...row, ...(onceNames.includes(name) && { isOnce: true }), ...(ranges[name] && { range: ranges[name] }) },
  ]),
);

/** The option of a name, also of those that plugins bring. */
export function mosquittoOption(name: string): MosquittoOption | undefined {
  return MOSQUITTO_OPTIONS.get(name) ?? (/^(?:auth|plugin)_opt_./.test(name) ? plugin : undefined);
}
