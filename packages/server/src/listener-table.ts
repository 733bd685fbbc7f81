/** The keys of a listener in one table: where it is, how bytes travel, who is trusted, who is asked. */
import type { ProtocolVersion } from '@dunlin/protocol';
import type { AmountShape, GroupShape, ListShape, TextShape } from './shape.ts';

/** Protocol versions as the configuration calls them, with their Protocol Level. */
export const VERSIONS: Readonly<Record<string, ProtocolVersion>> = { '3.1': 3, '3.1.1': 4, '5.0': 5 };

export const TRANSPORTS = ['tcp', 'tls', 'ws', 'wss', 'unix'] as const;
export const TLS_VERSIONS = ['1.2', '1.3'] as const;
export const CLIENT_CERTIFICATES = ['none', 'optional', 'required'] as const;
export const PROXY_PROTOCOLS = ['none', 'v1', 'v2', 'any'] as const;

/** The port of MQTT over TCP, registered with IANA. */
export const MQTT_PORT = 1883;
/** By transport; 8883 is registered as well, the others are what clients try first. */
export const PORTS: Readonly<Record<(typeof TRANSPORTS)[number], number>> = {
  tcp: MQTT_PORT,
  tls: 8883,
  ws: 8080,
  wss: 8443,
  unix: 0,
};
export const DEFAULT_HOST = 'localhost';
export const DEFAULT_PATHS = ['/mqtt', '/'] as const;

function pathShape(example: string, description: string): TextShape {
  return { kind: 'text', example, default: undefined, isPath: true, description };
}

function names(example: string, what: string, standard: string, description: string): ListShape {
  const items: TextShape = { kind: 'text', example, default: undefined, description: what };
  return { kind: 'list', items, default: standard, description };
}

const certificateEntries = {
  certificate: pathShape('tls/server.pem', 'File with the certificate and those between it and its root (PEM).'),
  key: pathShape('tls/server.key', 'File with the private key (PEM).'),
  passphraseFile: pathShape(
    'tls/passphrase',
    'File with the passphrase of the key, where it is encrypted: for its owner alone, mode 0600.',
  ),
};

const tls: GroupShape = {
  kind: 'group',
  description: 'The TLS of a listener `tls` or `wss`. Its files are watched: new ones count for new connections.',
  entries: {
    ...certificateEntries,
    certificates: {
      kind: 'list',
      items: {
        kind: 'group',
        description: 'A certificate and its key.',
        entries: certificateEntries,
        required: ['certificate', 'key'],
      },
      default: 'none',
      description: 'Further certificates; the one for the name that a client asks for (SNI) is taken.',
    },
    minVersion: { kind: 'choice', choices: TLS_VERSIONS, default: '1.2', description: 'Oldest version of TLS.' },
    clientCertificate: {
      kind: 'choice',
      choices: CLIENT_CERTIFICATES,
      default: 'none',
      description: 'Whether clients are asked for a certificate (mutual TLS), and whether they must have one.',
    },
    authorities: names(
      'devices',
      'Name of an entry of `authorities`.',
      'all',
      'Whose client certificates are let through to authentication.',
    ),
    handshakeTimeoutMs: {
      kind: 'amount',
      unit: 'milliseconds',
      minimum: 100,
      maximum: 600_000,
      default: 10_000,
      description: 'Time for a TLS handshake.',
    },
    handshakesMax: {
      kind: 'amount',
      unit: 'handshakes',
      minimum: 1,
      maximum: 100_000,
      default: 256,
      description: 'TLS handshakes at once; further connections wait for their turn.',
    },
  },
};

const proxy: GroupShape = {
  kind: 'group',
  description: 'What proxies in front of the listener may tell of clients. Others are never believed.',
  entries: {
    trusted: names(
      '10.0.0.0/8',
      'An address, a network with the length of its prefix, or `unix`: who connects to a Unix socket.',
      'none',
      'Addresses of the proxies.',
    ),
    protocol: {
      kind: 'choice',
      choices: PROXY_PROTOCOLS,
      default: 'none',
      description: 'The PROXY protocol that every connection must begin with; then only proxies can connect.',
    },
    forwardedFor: {
      kind: 'switch',
      default: false,
      description: 'Take the address of the client from X-Forwarded-For (`ws` and `wss`).',
    },
    clientCertificateHeader: {
      kind: 'text',
      example: 'Client-Cert',
      default: undefined,
      description:
        'Take the certificate of the client from this header (`ws` and `wss`): `Client-Cert` as in RFC 9440, any other ' +
        'as nginx writes $ssl_client_escaped_cert.',
    },
  },
  required: ['trusted'],
};

/** One address where clients may come. `connectionsMax` is the broker's limit of that name. */
export function listenerShape(connectionsMax: AmountShape): GroupShape {
  return {
    kind: 'group',
    description: 'One address where clients may come.',
    entries: {
      name: {
        kind: 'text',
        example: 'plant',
        default: undefined,
        description: 'For log lines and for rules; by default the transport and, from the second on, a number.',
      },
      transport: {
        kind: 'choice',
        choices: TRANSPORTS,
        default: 'tcp',
        description: 'How bytes travel: plain, over TLS, over WebSocket (`ws`, `wss` with TLS) or a Unix socket.',
      },
      host: {
        kind: 'text',
        example: '0.0.0.0',
        default: DEFAULT_HOST,
        description:
          'Address to listen at. `localhost` is 127.0.0.1 and, where the machine has it, ::1; `0.0.0.0` and `::` are all.',
      },
      port: {
        kind: 'amount',
        unit: '',
        minimum: 0,
        maximum: 65_535,
        default: MQTT_PORT,
        description: 'TCP port; 0 takes a free one. Default for `tls` 8883, `ws` 8080, `wss` 8443.',
      },
      path: pathShape('run/mqtt.sock', 'Where the socket of a `unix` listener is.'),
      mode: {
        kind: 'text',
        example: '0666',
        default: '0660',
        description: 'Who may connect to the socket of a `unix` listener, as an octal file mode.',
      },
      paths: names(
        '/mqtt',
        'A path of a URL.',
        DEFAULT_PATHS.join(' and '),
        'Paths at which `ws` and `wss` serve MQTT.',
      ),
      origins: names(
        'https://example.org',
        'An origin as browsers tell it, or `own`, or `any`.',
        'own',
        'Whose web pages may connect to `ws` and `wss`: of this server itself, of any, or of these origins.',
      ),
      hosts: {
        ...names(
          'mqtt.example.org',
          'A host name, without a port.',
          'the host, localhost, addresses and the names of the certificate',
          'Names by which browsers reach this server (`ws`, `wss`): a page of one of these is of the origin `own`.',
        ),
        mayBeEmpty: true,
      },
      api: {
        kind: 'switch',
        default: false,
        description:
          'Answer the HTTP API of the server here (`ws` and `wss`), at /api/v1. It asks everybody for an API key, on loopback too.',
      },
      versions: {
        kind: 'list',
        items: { kind: 'choice', choices: Object.keys(VERSIONS), default: '5.0', description: 'A version of MQTT.' },
        default: 'all',
        description: 'Versions of MQTT served here.',
      },
      tls,
      proxy,
      authentication: names(
        'devices',
        'Name of an entry of `authentication`.',
        'all, in their order',
        'Which methods are asked here, in this order.',
      ),
      allowAnonymous: {
        kind: 'switch',
        default: false,
        description:
          'Let in also those who show no credentials. Without `authentication`: let everybody in, which a listener that ' +
          'other machines can reach needs; on loopback everybody is let in then anyway.',
      },
      limits: {
        kind: 'group',
        description: 'Limits of this listener alone.',
        entries: {
          connectionsMax: {
            ...connectionsMax,
            description: 'Network connections at once through this listener; further ones are closed.',
          },
          connectionsPerSecondMax: {
            kind: 'amount',
            unit: 'connections',
            minimum: 1,
            maximum: 1_000_000,
            default: 1_000_000,
            description: 'New connections a second through this listener; further ones wait.',
          },
        },
      },
    },
  };
}
