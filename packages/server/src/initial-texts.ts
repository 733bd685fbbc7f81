/** The texts of a new server's directory: its configuration, its rules and its password file, each commented. */

/** What the texts depend on. */
export interface InitialSettings {
  /** Address of the TLS listener, such as `::`. */
  readonly host: string;
  readonly tlsPort: number;
  /** Of the listener without TLS, on loopback. */
  readonly port: number;
  /** The first user. */
  readonly user: string;
  /** File of the master key. */
  readonly masterKey: string;
}

/** Files and folders of the directory, relative to it. */
export const INITIAL_FILES = {
  configuration: 'dunlin.yaml',
  rules: 'rules.yaml',
  passwords: 'passwords',
  data: 'data',
  authority: 'tls/ca.pem',
  authorityKey: 'tls/ca.key',
  certificate: 'tls/server.pem',
  key: 'tls/server.key',
  devicesAuthority: 'tls/devices-ca.pem',
  devicesAuthorityKey: 'tls/devices-ca.key',
  devicesRoot: 'tls/devices-root.pem',
  devicesRootKey: 'tls/devices-root.key',
  masterKey: 'devices-master.key',
} as const;

/** `dunlin.yaml`. Paths in it are relative to it, so that the directory may be moved. */
export function initialConfiguration({ host, tlsPort, port, masterKey }: InitialSettings): string {
  const file = INITIAL_FILES;
  return `# Configuration of a Dunlin server, written by dunlin init. Paths are relative to this file.
# Lines behind "#:" are examples; take the "#: " away to make one count.
# Every key, with its default: docs/reference/configuration.md

listeners:
  # The whole network, encrypted.
  - name: tls
    transport: tls
    host: '${host}'
    port: ${tlsPort}
    tls:
      # Both files are watched: a renewed certificate counts without a restart.
      certificate: ${file.certificate}
      key: ${file.key}
      # Take certificates in place of passwords, with the method "certificate" below.
      #: clientCertificate: optional

  # Not encrypted, therefore for this machine alone; here too everybody is asked who they are.
  - name: local
    transport: tcp
    host: localhost
    port: ${port}

# Authorities whose client certificates may count.
authorities:
  # The one that issued the certificate of this server.
  - name: own
    certificate: ${file.authority}
    #: crl: tls/ca.crl
  # The one that issues the certificates of devices. It can make none of a server.
  - name: devices
    certificate: ${file.devicesAuthority}

# How clients show who they are. Order matters: the first method that knows a client decides, so certificates come before
# passwords, or a user of both would be refused for the password that it does not send.
authentication:
  #: - method: certificate
  #:   authorities: [own]
  # Change it with dunlin passwd, then: dunlin reload --config dunlin.yaml (for a service SIGHUP does the same).
  - method: passwordFile
    file: ${file.passwords}
  # Devices of the registry, with a token or a certificate.
  - method: devices

# The device service: a registry, credentials, commands.
devices:
  authority:
    name: devices
    certificate: ${file.devicesAuthority}
    # Encrypted under the master key.
    key: ${file.devicesAuthorityKey}
    # Devices get it with their certificates, and trust this server by it.
    serverAuthorities: ${file.authority}
  # The server needs it at every start. What it opens must not lie beside it in a backup: dunlin store backup never takes
  # it along, a copy of this whole folder does. \`credential: NAME\` takes it from systemd, \`environment: NAME\` from there.
  masterKey:
    file: ${JSON.stringify(masterKey)}
  # What devices of a kind have in common.
  #: types:
  #:   sensor:
  #:     rules:
  #:       - { allow: [publish, subscribe], topics: 'devices/{username}/#' }

# What they may do then: what no rule allows is denied. Read again by dunlin reload, or SIGHUP.
authorization:
  rulesFile: ${file.rules}

# What must survive a restart: sessions, queues, retained messages. It is not encrypted.
data: ${file.data}

#: log:
#:   file: dunlin.log
`;
}

/** `rules.yaml`: all for the first user, nothing for others. */
export function initialRules({ user }: InitialSettings): string {
  return `# What clients may do: docs/guide/rules.md. What no rule allows is denied.
# Try it out: dunlin acl test --rules ${INITIAL_FILES.rules} --user NAME --client ID --topic TOPIC
# Have the server read it again: dunlin reload --config ${INITIAL_FILES.configuration}

rules:
  # The first user may do everything; "#" alone leaves out the topics of the server itself.
  - allow: all
    topics: ['#', $SYS/#]
    for: { users: ${JSON.stringify(user)} }

  # Every other user has topics of its own, and may read what is meant for all.
  #: - allow: [publish, subscribe]
  #:   topics: devices/{username}/#
  #: - allow: subscribe
  #:   topics: news/#
`;
}

/** `passwords`: one user. */
export function initialPasswords({ user }: InitialSettings, hash: string): string {
  return `# Users of the method passwordFile: dunlin passwd FILE USER adds one or changes its password; then dunlin reload.\n${user}:${hash}\n`;
}
