/** The closed sets of error codes: what each code is in the sixteen codes of the classic clients, and when it comes. */

/** The classic client codes; the place of a name is its number. */
export const ERRNO_NAMES = [
  'MQTT_ERR_SUCCESS',
  'MQTT_ERR_NOMEM',
  'MQTT_ERR_PROTOCOL',
  'MQTT_ERR_INVAL',
  'MQTT_ERR_NO_CONN',
  'MQTT_ERR_CONN_REFUSED',
  'MQTT_ERR_NOT_FOUND',
  'MQTT_ERR_CONN_LOST',
  'MQTT_ERR_TLS',
  'MQTT_ERR_PAYLOAD_SIZE',
  'MQTT_ERR_NOT_SUPPORTED',
  'MQTT_ERR_AUTH',
  'MQTT_ERR_ACL_DENIED',
  'MQTT_ERR_UNKNOWN',
  'MQTT_ERR_ERRNO',
  'MQTT_ERR_QUEUE_SIZE',
] as const;

/** The classic code of each stable code, unless a Reason Code says more. */
export const ERRNO = {
  refused: 13,
  'not-supported': 10,
  invalid: 3,
  'connection-failed': 14,
  'connection-lost': 7,
  'server-disconnected': 7,
  'session-lost': 7,
  closed: 4,
  'timed-out': 13,
  aborted: 13,
  expired: 13,
  'queue-full': 15,
  tls: 8,
  'outbox-failed': 14,
  'not-loaded': 14,
  'malformed-packet': 2,
  'protocol-error': 2,
  'packet-too-large': 9,
  'unsupported-protocol-version': 10,
  'client-identifier-not-valid': 3,
  'topic-filter-invalid': 3,
  'topic-name-invalid': 3,
  'topic-alias-invalid': 2,
  'receive-maximum-exceeded': 2,
  'quota-exceeded': 15,
} as const;

/** Stable identifiers of what went wrong; the text of a message may change, these may not. */
export type MqttErrorCode = keyof typeof ERRNO;

/** The classic code of the server's refusal of a publish, a request (0x10), a subscription or an authentication. */
export const ERRNO_OF_REASON: Readonly<Record<number, number>> = {
  16: 6,
  129: 2,
  130: 2,
  134: 11,
  135: 12,
  140: 11,
  143: 3,
  144: 3,
  146: 6,
  147: 2,
  148: 2,
  149: 9,
  151: 15,
  154: 10,
  155: 10,
  158: 10,
  161: 10,
  162: 10,
};

/** The classic code of a CONNACK that refuses. */
export const CONNECTION_REFUSED = 5;

/** CONNACK Return Codes of MQTT 3.x for the Reason Codes of 5.0. */
export const RETURN_CODES: Readonly<Record<number, number>> = {
  132: 1,
  133: 2,
  136: 3,
  137: 3,
  134: 4,
  135: 5,
};

/** For the reference: when a code comes, and what to do. Not in bundles, since no code reads it. */
export const ERROR_TEXTS: Readonly<Record<MqttErrorCode, readonly [when: string, what: string]>> = {
  refused: [
    'the server answered with a Reason Code of 0x80 or more, or to a request 0x10: nobody listens',
    'see the Reason Code and `reasonString`',
  ],
  'not-supported': [
    'the server said at connect that it does not do this, or the protocol version lacks it; nothing was sent',
    'ask for less, see `client.limits`; connect with MQTT 5.0',
  ],
  invalid: [
    'an argument or an option cannot be, or no packet can be made of it',
    'mend the call; the text says what is expected',
  ],
  'connection-failed': [
    'no connection came about, and it was not TLS: no such name, nothing listens there, no WebSocket there; in browsers TLS too, as they do not tell',
    'see `cause.code`: is the server there, is the name right?',
  ],
  'connection-lost': [
    'the connection broke, the server closed it without a word, or it did not answer PINGREQ; also before CONNACK, and where a server of TLS 1.3 does not take the certificate, which it says behind the handshake: then `cause.code` begins with `ERR_SSL`',
    'with `reconnect` the client comes back by itself; QoS 0 that was under way may be lost',
  ],
  'server-disconnected': ['the server sent DISCONNECT', 'see the Reason Code; 0x8E: each client needs its own id'],
  'session-lost': [
    'the server had no session any more, and whether it took a QoS 2 message is not known',
    'publish again where twice does no harm; a longer Session Expiry Interval makes it rare',
  ],
  closed: ['`disconnect` was called here, or `connect` never', 'call `connect()` first'],
  'timed-out': ['`timeoutMs`, `operationTimeoutMs` or `connectTimeoutMs` is over', 'what was sent may have arrived'],
  aborted: ['the caller’s AbortSignal', 'what was sent may have arrived'],
  expired: ['the Message Expiry Interval was over before the message could be sent', 'it was not sent'],
  'queue-full': ['the outbox is at `messagesMax` or `bytesMax`', 'publish slower, await what is published'],
  tls: [
    'the handshake of `mqtts:` or `wss:` failed: a certificate, a name, or the server speaks no TLS and closed; a file of `tlsFiles` cannot be read',
    'see `cause`; check `ca`, `cert`, `key` and the port',
  ],
  'outbox-failed': ['the store of the outbox cannot be opened or written', 'see `cause`; `connect()` tries again'],
  'not-loaded': [
    'a part of the client that is loaded when it is first used could not be: the page is offline, or its file is gone',
    'call again, see `cause`; serve every file that the bundler made',
  ],
  'malformed-packet': [
    'a packet of the server cannot be read; the client comes back, as it may be one message, or a server that is mended',
    'report it to who makes the server; `shouldRetry` gives up',
  ],
  'protocol-error': ['the server broke a rule of the standard', 'report it to who makes the server'],
  'packet-too-large': [
    'a packet is larger than `maximumPacketSize` or than MQTT can say; where the server sent it the client comes back, and a session of 3.x has it again',
    'send less; raise `maximumPacketSize`, or begin a new session with `cleanStart`',
  ],
  'unsupported-protocol-version': ['the peer speaks another version', 'set `protocolVersion`'],
  'client-identifier-not-valid': ['the Client Identifier cannot be', 'choose another'],
  'topic-filter-invalid': ['a Topic Filter cannot be', 'mend the filter'],
  'topic-name-invalid': ['a Topic Name cannot be', 'mend the topic; wildcards are for filters'],
  'topic-alias-invalid': ['the server used a Topic Alias that cannot be', 'report it to who makes the server'],
  'receive-maximum-exceeded': ['the server has more messages open than it may', 'report it'],
  'quota-exceeded': ['a limit of the protocol code was met', 'see the text'],
};

/** For the reference: when each of the classic codes comes, and what to do; the place of an entry is its number. */
export const ERRNO_TEXTS: readonly (readonly [when: string, what: string])[] = [
  ['never: a promise that settles well is success', 'nothing'],
  ['never: what waits has a bound in the options, and over it comes `MQTT_ERR_QUEUE_SIZE`', 'nothing'],
  ['the server, or what lies between, broke a rule of MQTT', 'see the text; report it to who makes the server'],
  ['an argument, an option, a topic or a filter cannot be', 'mend the call'],
  ['there is no connection, and none is on its way', 'call `connect()`'],
  ['CONNACK refused', 'see `returnCode` below, and `reasonCode`'],
  ['nobody subscribes to a request, or a Packet Identifier is unknown', 'is the responder there?'],
  ['a connection broke, or the server ended it', 'the client comes back by itself'],
  ['TLS failed', 'check `ca`, `cert`, `key` and the name in the certificate'],
  ['a packet is too large', 'send less; `limits.maximumPacketSize` is what the server takes'],
  ['the server or the version of MQTT does not do this', 'see `limits`; connect with MQTT 5.0'],
  ['0x86 or 0x8C other than in CONNACK, which is 5; the standard has no such answer', 'fetch credentials anew'],
  ['the server does not let this client do it', 'check the user, the certificate and the rules of the server'],
  ['a time-out, an abort, an expiry, or a refusal that no other code fits', 'see `code` and `reasonCode`'],
  ['the system refused: no route, no name, no disk', 'see `cause.code`'],
  ['the outbox is full, or the quota of the server', 'publish slower'],
];

/** For the reference: the CONNACK Return Codes and what to do. */
export const RETURN_CODE_TEXTS: readonly (readonly [name: string, what: string])[] = [
  ['Connection accepted', 'nothing'],
  ['Unacceptable protocol version', 'set `protocolVersion` to one that the server speaks'],
  ['Identifier rejected', 'choose another `clientId`'],
  ['Server unavailable', 'wait: the client tries again by itself'],
  ['Bad user name or password', 'fetch credentials anew: make `username` and `password` functions'],
  ['Not authorized', 'check the certificate, the user and what the server lets it do'],
];
