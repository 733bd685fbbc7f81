/** What strangers send without waiting for answers. */

/** Of the measured server, by the names of its listeners. */
export interface Ports {
  readonly mqtt: number;
  readonly http: number;
  readonly https: number;
}

export interface Kind {
  readonly title: string;
  readonly isSecure?: boolean;
  /** Sent once, as soon as there is a connection. */
  readonly first?: string;
  /** Sent again and again behind it; empty: the connection is closed, and the next one opened. */
  readonly again: string;
  /** Bytes of one write. Default 65536, about what one read of the server takes. */
  readonly writeBytes?: number;
}

const get = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${more}\r\n`;
const post = (path: string, body: string, more = ''): string =>
  `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${more}Content-Length: ${body.length}\r\n\r\n${body}`;
const WRONG_KEY = `Authorization: Bearer dk_0123456789abcdef_${'A'.repeat(43)}\r\n`;
const CHUNKED = 'POST /api/v1/devices HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n';
const upgrade = (path: string): string =>
  get(
    path,
    'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mqtt\r\n',
  );

const PLAIN: readonly Kind[] = [
  { title: 'GET /', again: get('/') },
  { title: 'GET /metrics', again: get('/metrics') },
  { title: 'GET /claim', again: get('/claim') },
  { title: 'GET /claim, a cookie that is none', again: get('/claim', 'Cookie: dunlin_session=x\r\n') },
  { title: 'GET /api/v1/devices', again: get('/api/v1/devices') },
  { title: 'GET /api/v1/devices, a wrong key', again: get('/api/v1/devices', WRONG_KEY) },
  { title: 'GET /api/v1/openapi.json', again: get('/api/v1/openapi.json') },
  { title: 'GET of a malformed path', again: get('/api/v1/%zz') },
  { title: 'OPTIONS /api/v1/devices', again: get('/api/v1/devices').replace('GET', 'OPTIONS') },
  { title: 'HEAD /claim', again: get('/claim').replace('GET', 'HEAD') },
  { title: 'POST of JSON, a wrong key', again: post('/api/v1/devices', '[[[[]]]]'.repeat(500), WRONG_KEY) },
  { title: 'POST of a sign-in', again: post('/claim/sign-in', 'user=a&password=b') },
  { title: 'a head of 90 lines', again: get('/claim', 'X-Y: z\r\n'.repeat(90)) },
  { title: 'no Host (400)', again: 'GET /claim HTTP/1.1\r\n\r\n' },
  { title: 'no HTTP (400)', again: '\0\r\n\r\n' },
  { title: 'Expect that nobody knows (417)', again: get('/claim', 'Expect: wonders\r\n') },
  { title: 'empty lines', again: '\r\n' },
  { title: 'a large body', first: get('/api/v1/devices', 'Content-Length: 99999999999\r\n'), again: 'x' },
  { title: 'a body of empty lines', first: `${CHUNKED}7ffffff\r\n`, again: '\r\n\r\n' },
  { title: 'a body in chunks of one byte', first: CHUNKED, again: '1\r\nx\r\n' },
  { title: 'bodies of one byte', again: post('/api/v1/devices', 'x') },
  { title: 'slow heads', first: 'GET / HTTP/1.1\r\n', again: 'X', writeBytes: 1 },
  { title: 'a WebSocket elsewhere', first: get('/claim'), again: upgrade('/elsewhere') },
  { title: 'a WebSocket, then no MQTT', first: get('/claim') + upgrade('/mqtt'), again: '\x82\x80\0\0\0\0' },
  { title: 'connections that ask once', first: get('/claim'), again: '' },
];

/** By title. The same over TLS begin with that word. */
export const KINDS: readonly Kind[] = [
  ...PLAIN,
  ...PLAIN.map((kind) => ({ ...kind, title: `TLS, ${kind.title}`, isSecure: true })),
];
