/** The keys that say who may connect and what they may do: authorities, authentication, client identifiers, rules. */
import { TOKEN_ALGORITHMS } from '@dunlin/identity';
import { amount, map, path, secret, someTexts, text, texts, toggle, url } from './entry-shapes.ts';
import type { GroupShape, ListShape, MapShape, VariantsShape } from './shape.ts';

const LOOPBACK = ['127.0.0.0/8', '::1/128'] as const;

const groups = texts('operators', 'Name of a group.', 'none', 'Groups of whoever is let in, for rules.');
const name = text('devices', 'For listeners, events and identities; by default the method.');

export const AUTHORITIES: ListShape = {
  kind: 'list',
  items: {
    kind: 'group',
    description: 'An authority whose certificates clients may show.',
    entries: {
      name: text('devices', 'For listeners, methods and identities.'),
      certificate: path('tls/ca.pem', 'File with the certificate of the authority, and of those below it (PEM).'),
      crl: path('tls/ca.crl', 'File with the certificates that it has revoked (CRL, PEM or DER). Watched.'),
      crlExpired: {
        kind: 'choice',
        choices: ['accept', 'refuse'],
        default: 'accept',
        description:
          'What happens when the time of the revocation list is over: its certificates go on to count, with a warning, ' +
          'or nobody of this authority is let in.',
      },
    },
    required: ['name', 'certificate'],
  },
  mayBeEmpty: true,
  default: 'none',
  description: 'Authorities for client certificates. A subject counts only under the authority that is named for it.',
};

const passwordFile: GroupShape = {
  kind: 'group',
  description: "User names and hashes in a file, as `dunlin passwd` and Mosquitto's mosquitto_passwd write it.",
  entries: { name, file: path('passwords', 'The file.'), groups },
  required: ['file'],
};

const users: GroupShape = {
  kind: 'group',
  description: 'Users in the configuration itself.',
  entries: {
    name,
    users: {
      kind: 'list',
      items: {
        kind: 'group',
        description: 'A user.',
        entries: {
          name: text('ada', 'User name.'),
          password: secret('$argon2id$…', 'Hash of the password, as `dunlin passwd --hash` prints it.'),
          groups: texts('operators', 'Name of a group.', 'none', 'Groups of the user, for rules.'),
          attributes: map('name', 'berlin', 'Value of the attribute.', 'Facts for rules: `{attr.NAME}`.'),
          disabled: toggle(false, 'Not let in; a connection that is open ends.'),
        },
        required: ['name', 'password'],
      },
      default: 'none',
      description: 'The users.',
    },
  },
  required: ['users'],
};

/** Of a service that is asked over HTTP. */
const headers: MapShape = {
  kind: 'map',
  names: 'header',
  values: secret('Bearer …', 'Value of the header.'),
  description: 'Headers of the request.',
};
const headerFiles: MapShape = {
  kind: 'map',
  names: 'header',
  values: path('auth.header', 'A file with the value of the header.'),
  description: 'The same, from files.',
};
const authority = path(
  'auth-ca.pem',
  'File with the authorities that may vouch for the service (PEM). Default: those of Node.',
);

const jwt: GroupShape = {
  kind: 'group',
  description: 'JSON Web Tokens in place of the password.',
  entries: {
    name,
    from: {
      kind: 'choice',
      choices: ['password', 'username'],
      default: 'password',
      description: 'Where the token is.',
    },
    algorithms: {
      kind: 'list',
      items: {
        kind: 'choice',
        choices: TOKEN_ALGORITHMS,
        default: 'ES256',
        description: 'An algorithm of signatures.',
      },
      default: 'none',
      description: 'The algorithms that count; all of one kind, HS… or others.',
    },
    secret: secret('0123456789abcdef0123456789abcdef', 'The shared secret of HS algorithms.'),
    secretFile: path('jwt.secret', 'The same, from a file.'),
    keys: {
      kind: 'list',
      items: path('jwt.pem', 'A file with a public key (PEM).'),
      default: 'none',
      description: 'Public keys.',
    },
    jwksFile: path('jwks.json', 'A file with a JSON Web Key Set.'),
    jwksUrl: url('https://login.example.org/jwks.json', 'A JSON Web Key Set to fetch; http only from this machine.'),
    jwksHeaders: headers,
    jwksHeaderFiles: headerFiles,
    jwksAuthority: authority,
    jwksMaxAgeS: amount('seconds', [10, 604_800], 600, 'Time after which fetched keys are fetched again.'),
    jwksStaleMaxS: amount(
      'seconds',
      [0, 2_592_000],
      86_400,
      'Time for which old keys count while none can be fetched.',
    ),
    issuer: texts('https://login.example.org', 'What `iss` may be.', 'anybody', 'Whose tokens count.'),
    audience: texts('mqtt', 'An audience.', 'any', 'One of these must be among `aud`.'),
    requireExpiry: toggle(true, 'Refuse tokens without `exp`.'),
    clockToleranceS: amount('seconds', [0, 600], 5, 'By how much clocks may differ.'),
    usernameClaim: { ...text('sub', 'The claim that is the user name.'), default: 'sub' },
    groupsClaim: text('groups', 'The claim that holds the groups.'),
    rulesClaim: text('acl', 'The claim that holds rules.'),
    attributes: map('attribute', 'tenant', 'Name of a claim.', 'Attributes and the claims that they come from.'),
    claims: {
      kind: 'map',
      names: 'claim',
      values: secret('{clientId}', 'What the claim must be.'),
      description: 'Claims that must be as said here: {username} and {clientId} are those of CONNECT.',
    },
  },
  required: ['algorithms'],
};

const http: GroupShape = {
  kind: 'group',
  description: 'Asks a service over HTTP.',
  entries: {
    name,
    url: url('https://auth.example.org/mqtt', 'Where to POST; http only to this machine, unless allowHttp says so.'),
    allowHttp: toggle(false, 'Send credentials unencrypted to another machine.'),
    headers,
    headerFiles,
    authority,
    answers: {
      kind: 'choice',
      choices: ['json', 'status'],
      default: 'json',
      description: 'Whether status 200 comes with JSON that says what was decided, or accepts by itself.',
    },
    timeoutMs: amount(
      'milliseconds',
      [100, 5_500],
      5_000,
      'Time for an answer. Waiting in line takes 2 s at the most.',
    ),
    requestsMax: amount('requests', [1, 10_000], 16, 'Requests at once.'),
    waitingMax: amount('requests', [0, 1_000_000], 1_000, 'Clients that wait for a request; further ones are refused.'),
    cacheS: amount('seconds', [0, 86_400], 60, 'Time for which a client that was accepted is remembered; 0: not.'),
    staleMaxS: amount(
      'seconds',
      [0, 604_800],
      3_600,
      'With `accept-cached`: time after an accept for which it counts.',
    ),
    whenDown: {
      kind: 'choice',
      choices: ['refuse', 'next', 'accept-cached'],
      default: 'refuse',
      description: 'What happens to a client while the service does not answer.',
    },
  },
  required: ['url'],
};

const certificate: GroupShape = {
  kind: 'group',
  description: 'The certificate that the client showed in TLS, or that a trusted proxy told of.',
  entries: {
    name,
    authorities: texts('devices', 'Name of an entry of `authorities`.', 'all', 'Whose certificates count.'),
    username: {
      kind: 'choice',
      choices: ['cn', 'san-dns', 'san-uri', 'san-email'],
      default: 'cn',
      description:
        'What of the certificate names the client: its only Common Name, or its alternative names of a kind.',
    },
    match: {
      kind: 'choice',
      choices: ['username', 'clientId', 'none'],
      default: 'username',
      description: 'What of CONNECT must equal that name; `none`: the name takes the place of the user name.',
    },
    groups,
  },
};

const scram: GroupShape = {
  kind: 'group',
  description: 'SCRAM-SHA-256 and SCRAM-SHA-512 over AUTH (MQTT 5.0, section 4.12).',
  entries: { name, file: path('scram', 'Credentials, as `dunlin passwd --scram` writes them.'), groups },
  required: ['file'],
};

const anonymous: GroupShape = {
  kind: 'group',
  description: 'Lets in who shows no credentials.',
  entries: {
    name,
    acceptsUsername: toggle(false, 'Also who shows a user name, and no password; the name counts for nothing.'),
    groups,
  },
};

const devices: GroupShape = {
  kind: 'group',
  description: 'Devices of the registry (`devices`), with a token or a certificate.',
  entries: { name },
};

const METHOD: VariantsShape = {
  kind: 'variants',
  key: 'method',
  description: 'One way in which clients show who they are.',
  variants: { passwordFile, users, jwt, http, certificate, scram, devices, anonymous },
};

export const AUTHENTICATION: ListShape = {
  kind: 'list',
  items: METHOD,
  mayBeEmpty: true,
  default: 'none: on loopback everybody is let in',
  description: 'How clients show who they are: asked in this order, the first answer counts.',
};

export const CLIENT_IDS: ListShape = {
  kind: 'list',
  items: {
    kind: 'group',
    description: 'A form that Client Identifiers must have.',
    entries: {
      template: text(
        '{partnerId}-{clientId}-{spaceId}-{deviceId}',
        'The form; what stands in braces becomes attributes of the connection.',
      ),
      patterns: map(
        'field of the template',
        'uuid',
        'One of uuid, hex, digits, word, or values divided by |.',
        'What a field may be.',
      ),
      equals: map(
        'field of the template',
        '{username}',
        'One of {username}, {cn}, {attr.NAME}.',
        'What a field must be.',
      ),
      listeners: texts('devices', 'Name of a listener.', 'all', 'Where it holds.'),
      groups: texts('devices', 'Name of a group.', 'everybody', 'For whom it holds.'),
    },
    required: ['template'],
  },
  mayBeEmpty: true,
  default: 'none: any',
  description: 'Forms that Client Identifiers must have. Where several are for a client, one of them must fit.',
};

export const GUARD: GroupShape = {
  kind: 'group',
  description:
    'Against those who guess passwords, one account for all listeners. Counts where `authentication` is; an attempt is a failure where it was refused with 0x86.',
  entries: {
    windowS: amount('seconds', [1, 86_400], 600, 'Failures within this time of the first count together.'),
    userDelayAfter: amount(
      'failures',
      [1, 1_000_000],
      5,
      'Failures of one user name before its next attempts are delayed.',
    ),
    addressDelayAfter: amount('failures', [1, 1_000_000], 20, 'The same of one address.'),
    delayMs: amount('milliseconds', [1, 60_000], 250, 'First delay; each failure doubles it.'),
    delayMaxMs: amount('milliseconds', [1, 600_000], 4_000, 'Longest delay.'),
    userAtAddressBanAfter: amount(
      'failures',
      [1, 1_000_000],
      10,
      'Failures of one user name at one address before the two together are banned.',
    ),
    addressBanAfter: amount('failures', [1, 1_000_000], 100, 'Failures of one address before it is banned.'),
    banS: amount('seconds', [1, 2_592_000], 900, 'Length of a ban.'),
    trusted: {
      ...texts(
        '10.0.0.0/8',
        'An address or a network.',
        LOOPBACK.join(' and '),
        'Addresses that stand for many clients: never delayed or banned themselves. Empty: none.',
      ),
      standard: LOOPBACK,
      mayBeEmpty: true,
    },
    flapping: {
      kind: 'group',
      description: 'Keeps out clients that connect too often. Only where this group is.',
      entries: {
        connectsMax: amount('connections', [2, 1_000_000], 30, 'Connections of one client within the window.'),
        windowS: amount('seconds', [1, 86_400], 60, 'The window.'),
        banS: amount('seconds', [1, 86_400], 300, 'How long it is kept out then.'),
      },
    },
  },
};

const SUBJECTS = {
  users: someTexts('ada', 'A user name.', 'User names.'),
  groups: someTexts('operators', 'A group.', 'Groups.'),
  clientIds: someTexts('gateway', 'A Client Identifier.', 'Client Identifiers.'),
  anonymous: toggle(false, 'Those without a user name (true), or those with one (false).'),
} as const;

export const RULE: GroupShape = {
  kind: 'group',
  description: 'A rule: what it allows or denies, where, and for whom.',
  entries: {
    allow: someTexts('publish', 'One of publish, subscribe, will, all.', 'What the rule allows.'),
    deny: someTexts('publish', 'One of publish, subscribe, will, all.', 'What the rule denies.'),
    topics: someTexts('devices/{username}/#', 'A topic filter, with variables.', 'Where it holds.'),
    for: { kind: 'group', description: 'For whom it holds. Default: everybody.', entries: SUBJECTS },
    except: { kind: 'group', description: 'For whom it does not hold all the same.', entries: SUBJECTS },
    qosMax: amount('', [0, 2], 2, 'Highest QoS that it allows.'),
    retain: toggle(true, 'Whether it allows retained messages.'),
  },
  required: ['topics'],
};

/** A file of rules may be empty as well: nothing is allowed then. */
function rules(description: string): ListShape {
  return { kind: 'list', items: RULE, mayBeEmpty: true, default: 'none', description };
}

export const AUTHORIZATION: GroupShape = {
  kind: 'group',
  description:
    'What clients may do. Without rules whoever was let in may do everything; with rules, only what they allow.',
  entries: {
    rules: rules('Rules in the configuration itself (see docs/guide/rules.md).'),
    roles: {
      kind: 'map',
      names: 'role',
      values: {
        kind: 'group',
        description: 'Rules for the members of groups.',
        entries: {
          groups: someTexts('operators', 'A group.', 'Groups. Default: the one that is called as the role.'),
          rules: rules('The rules of the role, each as in `authorization.rules`.'),
        },
        required: ['rules'],
      },
      description: 'Rules for members of groups, in the configuration itself.',
    },
    rulesFile: path('rules.yaml', 'A file with `rules` and `roles`.'),
    aclFile: path('acl', 'A file in the form of Mosquitto’s acl_file.'),
    shadow: path('rules-new.yaml', 'Rules that only tell what they would have decided otherwise.'),
    broaderFilter: {
      kind: 'choice',
      choices: ['deny', 'check'],
      default: 'deny',
      description:
        'A subscription wider than what is allowed: refused, or granted and every message checked. Always checked with ' +
        'an aclFile.',
    },
  },
};
