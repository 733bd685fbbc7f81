/** The tables of the tidy check: layers, banned calls, sizes and the exceptions, each with its reason. */

/** The `@dunlin/` packages that each package may import, lowest layer first (see docs/architecture.md). */
export const layers: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  transport: [],
  client: ['protocol', 'transport'],
  broker: ['protocol', 'transport'],
  umqtt: ['protocol', 'client'],
  lmdb: ['protocol', 'broker'],
  nats: ['protocol', 'broker'],
  identity: ['protocol', 'transport', 'broker'],
  devices: ['protocol', 'broker', 'identity'],
  server: ['protocol', 'transport', 'client', 'broker', 'umqtt', 'lmdb', 'nats', 'identity', 'devices'],
  dashboard: ['protocol', 'transport', 'client', 'server'],
  testkit: ['protocol', 'transport', 'client', 'broker'],
  cli: ['protocol', 'transport', 'client', 'identity', 'devices', 'server'],
};

/**
 * The folders of `src` in packages that state their order, the lowest first: each may import those that it names, and files
 * directly in `src` which import no folder themselves. Files directly in `src` that do are above all folders: they put together.
 */
export const folders: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  devices: {
    limits: [],
    lists: [],
    registry: ['limits', 'lists'],
    credentials: ['limits', 'registry'],
    transfer: ['lists', 'registry', 'credentials'],
    authority: ['registry', 'credentials'],
    claims: ['limits', 'registry', 'credentials', 'authority'],
    presence: ['registry'],
    commands: ['limits', 'registry', 'presence'],
    audit: ['lists', 'registry', 'credentials', 'authority', 'claims', 'presence', 'commands'],
  },
};

/** Something that the sources of some packages must not say; tests may. */
interface Ban {
  readonly packages: readonly string[];
  /** Global. */
  readonly pattern: RegExp;
  readonly instead: string;
}
const pure = ['protocol', 'broker'];
/** Calls that would tie the pure packages to one clock, one dice or one process. */
export const bans: readonly Ban[] = [
  { packages: pure, pattern: /\bDate\.now\b|\bnew Date\b|\bperformance\./g, instead: 'take the time from the Clock' },
  {
    packages: pure,
    pattern: /(?<![.\w])(?:setTimeout|setInterval|setImmediate|queueMicrotask|clearTimeout|clearInterval)\b/g,
    instead: 'ask the Clock to wake you',
  },
  { packages: pure, pattern: /\bMath\.random\b|(?<![.\w])crypto\./g, instead: 'take it from Random' },
  { packages: pure, pattern: /(?<![.\w])process\./g, instead: 'have the server pass it in' },
  { packages: pure, pattern: /(?<![.\w])console\./g, instead: 'return it, or tell it as an event' },
  { packages: ['protocol'], pattern: /(?<![.\w])Buffer\b/g, instead: 'use Uint8Array, this runs in browsers' },
];
/** The `node:` modules that the pure packages may import; packages not named here may import any. */
export const nodeModules: Readonly<Record<string, readonly string[]>> = { protocol: [], broker: ['node:buffer'] };

/** Lines that a source file may have. */
export const linesMax = 500;
/** Lines that a test or a pure table may have. */
export const linesMaxLong = 800;
/** Files that only list: no branches, one entry after the other. */
export const pureTables: readonly string[] = [];

/** Sources without a test of their own beside them, and why that is right. */
export const testedElsewhere: Readonly<Record<string, string>> = {
  'packages/cli/src/dialing.ts': 'test/interop/transports.test.ts: only real servers tell whether it is right',
  'packages/client/src/client-api.ts': 'types',
  'packages/client/src/dial.ts': 'types',
  'packages/client/src/request-response.ts': 'names of what requester.test.ts and responder.test.ts test',
  'packages/client/src/testing/fake-link.ts': 'a link of the tests beside it; several of them run it',
  'packages/client/src/testing/surfacing.ts': 'uncaught errors for the tests beside it; several of them run it',
  'packages/client/src/testing/virtual-environment.ts': 'time of the tests beside it and in contract; they run it',
  'packages/client/src/options.ts': 'types',
  'packages/client/src/tls-options.ts': 'types',
  'packages/broker/src/testing/by-name.ts': 'the authenticator of tests that tell users apart',
  'packages/broker/src/testing/client.ts': 'the client of the tests beside the broker; every one of them runs it',
  'packages/broker/src/testing/named.ts': 'who comes in the tests beside the broker; several of them run it',
  'packages/broker/src/testing/store.ts': 'stores of the tests beside the broker, over the memory store',
  'packages/broker/src/testing/world.ts': 'the world of the tests beside the broker; every one of them runs it',
  'packages/client/src/dial-browser.ts': 'browser.test.ts, and test/browser/client.test.ts in Chromium',
  'packages/client/src/environment-browser.ts': 'test/browser/timers.test.ts: only a browser tells whether it is right',
  'packages/client/src/indexeddb-outbox.ts': 'test/browser/indexeddb-outbox.test.ts: it needs a browser',
  'packages/client/src/indexeddb-types.ts': 'types',
  'packages/client/src/testing/killed-file-set.ts': 'the process that file-set.test.ts kills',
  'packages/client/src/testing/outbox-child.ts': 'the process that outbox-crash.test.ts kills',
  'packages/client/src/testing/outbox-files.ts': 'files of the tests beside it; several of them run it',
  'packages/devices/src/testing/clock.ts': 'time of the tests beside it; most of them run it',
  'packages/devices/src/testing/command-world.ts': 'what the tests beside commands live in; every one of them runs it',
  'packages/devices/src/testing/memory-broker.ts': 'the broker of the tests beside commands and presence; they run it',
  'packages/devices/src/testing/registry.ts': 'registries of the tests beside it; most of them run it',
  'packages/devices/src/testing/request.ts': 'requests of the tests beside it, and who answers them; several run it',
  'packages/devices/src/testing/types.ts': 'device types of the tests beside it; most of them run it',
  'packages/devices/src/service-parts.ts': 'service.test.ts opens and closes them',
  'packages/devices/src/claims/claim.ts': 'types, and the definition of a table',
  'packages/devices/src/authority/testing/fleet.ts': 'what the tests of the authority are made of; they run it',
  'packages/identity/src/method.ts': 'types',
  'packages/identity/src/testing/clock.ts': 'time of the tests beside the methods; every one of them runs it',
  'packages/identity/src/testing/localhost.ts': 'a certificate and its key',
  'packages/identity/src/testing/request.ts': 'requests of the tests beside the methods; every one of them runs it',
  'packages/identity/src/testing/tokens.ts': 'keys and tokens of the tests beside what checks them; they run it',
  'packages/identity/src/testing/web.ts': 'an HTTP server of the tests beside what asks one; they run it',
  'packages/identity/src/testing/principal.ts': 'principals of the tests beside it; every one of them runs it',
  'packages/identity/src/testing/certificates.ts': 'what the tests of certificates are made of',
  'packages/lmdb/src/testing/crash-child.ts': 'the process that crash.test.ts kills',
  'packages/lmdb/src/testing/full-child.ts': 'the process of disk-full.test.ts',
  'packages/lmdb/src/testing/directory.ts': 'data directories of the tests beside it; every one of them runs it',
  'packages/lmdb/src/testing/rounds.ts': 'what crash.test.ts and the torn writes of test/crash look for',
  'packages/lmdb/src/testing/writes.ts': 'writes for the tests beside it; every one of them runs it',
  'packages/protocol/src/packets.ts': 'types, and one frozen empty object',
  'packages/server/src/api-table.ts': 'a table; configuration-table.test.ts looks at all of them',
  'packages/server/src/device-table.ts': 'a table; configuration-table.test.ts looks at all of them',
  'packages/server/src/entry-shapes.ts': 'what the tables of keys are written with',
  'packages/server/src/configured-authority.ts': 'configured-devices.test.ts opens it',
  'packages/server/src/api/certificate-routes.ts': 'server-api.test.ts: it asks the routes',
  'packages/server/src/api/credential-shape.ts': 'schemas; claim-routes.test.ts asks the routes',
  'packages/server/src/api/renewal-routes.ts': 'claim-routes.test.ts: it asks the route',
  'packages/server/src/api/command-routes.ts': 'server-api.test.ts: it asks the routes',
  'packages/server/src/api/device-problems.ts': 'server-api.test.ts: it meets the problems',
  'packages/server/src/api/device-routes.ts': 'server-api.test.ts: it asks the routes',
  'packages/server/src/api/device-schemas.ts': 'schemas',
  'packages/server/src/api/group-routes.ts': 'server-api.test.ts: it asks the routes',
  'packages/server/src/api/presence-shape.ts': 'a schema; server-api.test.ts asks the routes',
  'packages/server/src/api/presence-routes.ts': 'server-api.test.ts: it asks the routes',
  'packages/server/src/api/token-routes.ts': 'server-api.test.ts: it asks the routes',
  'packages/server/src/api/transfer-routes.ts': 'server-api.test.ts: it asks the routes',
  'packages/server/src/api/type-routes.ts': 'server-api.test.ts: it asks the routes',
  'packages/server/src/api/api-entrance.ts': 'api-application.test.ts: who shows what gets where',
  'packages/server/src/api/api-parts.ts': 'types, and how three facts of a request are read',
  'packages/server/src/api/problem-answer.ts': 'api-application.test.ts: it meets the problems',
  'packages/server/src/api/api-host.ts': 'api-application.test.ts: an application is asked by its host',
  'packages/server/src/api/api-keys.ts': 'api-application.test.ts: who shows which key gets where',
  'packages/server/src/api/api-route.ts': 'types, and what api-application.test.ts makes routes with',
  'packages/server/src/api/audit-routes.ts': 'api-application.test.ts: it asks the routes',
  'packages/server/src/api/claim-style.ts': 'a style sheet; test/browser/claim-page.test.ts has it in Chromium',
  'packages/server/src/api/claim-view.ts':
    'claim-pages.test.ts reads what it shows, and test/browser/claim-page.test.ts',
  'packages/server/src/api/owner-caller.ts':
    'claim-pages.test.ts and claim-routes.test.ts: who asks as whom gets where',
  'packages/server/src/api/owner-routes.ts': 'claim-routes.test.ts: it asks the routes',
  'packages/server/src/api/owner-sign-in.ts':
    'claim-pages.test.ts: only a server with methods and guards tells whether it is right',
  'packages/server/src/api/testing/claim-world.ts': 'a server of the tests of claims; they run it',
  'packages/server/src/api/key-routes.ts': 'api-application.test.ts: it asks the routes',
  'packages/server/src/api/open-api.ts': 'api-application.test.ts: it asks for the document',
  'packages/server/src/api/page-cursor.ts': 'audit-log.test.ts: whether a cursor is right only a table knows',
  'packages/server/src/api/page-schemas.ts': 'schemas',
  'packages/server/src/api/scopes.ts': 'a table',
  'packages/server/src/api/testing/host.ts': 'an API of the tests beside it; they run it',
  'packages/transport/src/connect.ts': 'it only names what other files export',
  'packages/transport/src/testing/certificates.ts':
    'certificates of the tests beside it; OpenSSL reads every one of them',
  'packages/transport/src/tls-entrance.ts': 'tls.test.ts: only real handshakes tell whether it is right',
  'packages/transport/src/tls-peer.ts': 'tls.test.ts: only real handshakes tell whether it is right',
  'packages/transport/src/tls-settings.ts': 'tls.test.ts: only real handshakes tell whether it is right',
  'packages/transport/src/tls-socket.ts': 'tls.test.ts: only real handshakes tell whether it is right',
  'packages/transport/src/websocket-upgrade.ts': 'websocket-server.test.ts: what real clients are answered',
  'tools/check-node.js': 'it only refuses an old Node, which the tests do not run on',
  'tools/install-prerequisites.ts': 'it changes the machine; .ci/run on a new machine is its test',
  'tools/note-test-time.ts': 'it only notes what test-times.test.ts reads',
  'tools/test.ts': 'it runs the tests',
  'tools/tidy-rules.ts': 'tables; tidy.test.ts reads them',
};

/** What no file of the repository may hold, whatever its kind. */
export const bannedText: readonly { readonly pattern: RegExp; readonly reason: string }[] = [
  {
    pattern: /(?<![\w.~*$}-])\/(?:work|root|home)\/[\w.]/g,
    reason: 'a path of one machine; use one relative to the repository',
  },
  { pattern: /\bregistry\.(?:npmjs|npmmirror|yarnpkg)\.\w+/g, reason: 'a registry host; leave the choice to npm' },
];
