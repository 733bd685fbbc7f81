/**
 * Writes the reference pages and the JSON Schema of the configuration from the tables that the code uses.
 *
 *     npm run reference              writes what differs
 *     npm run reference -- --check   changes nothing, names the stale files and fails where there are any
 *
 * Node needs `--conditions=@dunlin/source` for it.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CHECKS, type Check, COUNTERS, LIMITS } from '@dunlin/broker';
import { DEVICE_CHECKS, DEVICE_LIMITS } from '@dunlin/devices';
import { REASON_CODES, reasonCodeName } from '@dunlin/protocol';
import {
  API_PROBLEMS,
  API_SCOPES,
  AUDIT_ACTIONS,
  AUDIT_ACTORS,
  CONFIGURATION,
  configurationSchemaText,
  type Fate,
  FLAGS,
  flagDefault,
  flagSpelling,
  flagVariable,
  MOSQUITTO_OPTIONS,
  SERVER_EVENTS,
  type Shape,
  shownDefault,
} from '@dunlin/server';
// Not among the public names: programs bundle those.
import {
  CONNECTION_REFUSED,
  ERRNO,
  ERRNO_NAMES,
  ERRNO_OF_REASON,
  ERRNO_TEXTS,
  ERROR_TEXTS,
  type MqttErrorCode,
  RETURN_CODE_TEXTS,
  RETURN_CODES,
} from '../packages/client/src/error-table.ts';
import { listedTexts, numberedName, shownTexts } from './error-texts.ts';

const root = dirname(import.meta.dirname);
const NOTE =
  '<!-- Written by tools/reference.ts from the tables of the code: change those and run "npm run reference". -->';

/** Every generated file: path below the root, text. */
export function referenceFiles(): ReadonlyMap<string, string> {
  return new Map([
    ['docs/reference/api.md', apiPage()],
    ['docs/reference/client-errors.md', clientErrorsPage()],
    ['docs/reference/configuration.md', configurationPage()],
    ['docs/reference/error-texts.md', errorTextsPage()],
    ['docs/reference/limits.md', limitsPage()],
    ['docs/reference/events.md', eventsPage()],
    ['docs/reference/mosquitto-options.md', mosquittoOptionsPage()],
    ['docs/reference/reason-codes.md', reasonCodesPage()],
    ['packages/server/configuration.schema.json', configurationSchemaText()],
  ]);
}

/** The files whose text is not the given one, or which do not exist. */
export function staleFiles(files: ReadonlyMap<string, string>): string[] {
  return [...files].filter(([path, text]) => textOf(path) !== text).map(([path]) => path);
}

function textOf(path: string): string | undefined {
  const file = join(root, path);
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

function errorTextsPage(): string {
  const shown = shownTexts();
  return page(
    'Texts of the client in browsers',
    'The client that [bundlers give to pages for production](../guide/client.md#browsers) has numbers in place of its texts, to be',
    'smaller. A number has in brackets what the text is put together with, in its order, and that may be a number again:',
    '`DUN8(a b, DUN12)`. `{1}` is the first of them, and `…` stands for a value that only the whole text has: a type, a constant,',
    'what a server sent wrong. Codes of errors are as ever; a Reason Code is in digits, such as `0x87`.',
    '',
    'A number keeps its meaning in all versions; some of these texts are of former ones.',
    '',
    ...table(
      ['Number', 'Text'],
      listedTexts().map((text, index) => [code(numberedName(index + 1)), code(shown.get(text) ?? text)]),
    ),
  );
}

function clientErrorsPage(): string {
  const codes = Object.entries(ERROR_TEXTS).map(([key, [when, what]]) => {
    const errno = ERRNO[key as MqttErrorCode];
    return [code(key), key === 'refused' ? 'see below' : `${errno} ${code(ERRNO_NAMES[errno])}`, when, what];
  });
  const classic = ERRNO_TEXTS.map(([when, what], errno) => [String(errno), code(ERRNO_NAMES[errno]), when, what]);
  const refusals = Object.entries(ERRNO_OF_REASON).map(([reason, errno]) => [
    `${hexadecimal(Number(reason))} ${reasonCodeName(Number(reason))}`,
    `${errno} ${code(ERRNO_NAMES[errno])}`,
  ]);
  const returnCodes = RETURN_CODE_TEXTS.map(([name, what], returnCode) => [
    String(returnCode),
    name,
    Object.entries(RETURN_CODES)
      .filter(([, other]) => other === returnCode)
      .map(([reason]) => hexadecimal(Number(reason)))
      .join(', '),
    what,
  ]);
  return page(
    'Errors of the client',
    'Whatever a promise of [the client](../guide/client.md) rejects with is an `MqttError`. `code` never changes its meaning;',
    '`reasonCode` is the Reason Code of MQTT 5.0 where one fits, `packet` what the server sent, `reasonString` its own words,',
    '`cause` what lies behind. `errno` is one of the sixteen [classic client codes](#classic-codes).',
    '',
    ...table(['`code`', '`errno`', 'When it comes', 'What to do'], codes),
    '',
    '## Classic codes',
    '',
    'Those of the wrappers and libraries that count from `MQTT_ERR_SUCCESS`: `errno` of the error.',
    '',
    ...table(['`errno`', 'Name', 'When it comes', 'What to do'], classic),
    '',
    '## Refusals',
    '',
    `A CONNACK that refuses is ${CONNECTION_REFUSED} ${code(ERRNO_NAMES[CONNECTION_REFUSED])}; any other refusal goes by its Reason Code, and is`,
    `${ERRNO.refused} ${code(ERRNO_NAMES[ERRNO.refused])} where that is not in the table:`,
    '',
    ...table(['Reason Code', '`errno`'], refusals),
    '',
    '## CONNACK Return Codes',
    '',
    '`returnCode` is the code of MQTT 3.x. Refusals of 5.0 that have one map to it; in 3.x `reasonCode` is the first that maps',
    'to the Return Code.',
    '',
    ...table(['`returnCode`', 'Name', 'Reason Codes of 5.0', 'What to do'], returnCodes),
    '',
    'The client tries again by itself, except after the refusals that retrying cannot mend: 0x81, 0x82, 0x84 to 0x87, 0x8A, 0x8C,',
    '0x90, 0x95, 0x99, 0x9A, 0x9B; with functions for credentials 0x86 and 0x87 are tried again. `reconnect.shouldRetry` decides',
    'otherwise.',
  );
}

function apiPage(): string {
  const problems = Object.entries(API_PROBLEMS).map(([name, { status, title }]) => [code(name), String(status), title]);
  const scopes = Object.entries(API_SCOPES).map(([name, description]) => [code(name), description]);
  return page(
    'The HTTP API',
    'Listeners of transport `ws` or `wss` with `api: true` answer it at `/api/v1`, and the control socket of a server does. Its',
    'routes with their schemas are in `/api/v1/openapi.json` (OpenAPI 3.1) of the server itself, which is read without a key.',
    '',
    'Everybody shows an API key, on loopback too: `Authorization: Bearer dk_…`. The first one is made by the control socket,',
    'which is for the user of the server alone. A POST with an `Idempotency-Key` is carried out once; who repeats it gets',
    'the same answer, with `Idempotency-Replayed: true`. What has a revision carries it as `ETag`; a change with `If-Match` is',
    'made only while that is the current one.',
    '',
    'Lists come in pages: `cursor` of one leads to the next, and the last one has none. A page of devices or of the audit log',
    'looks at 5,000 entries at the most: where few of them fit, it has fewer than `limit`, perhaps none, says `endedEarly` and has',
    'a `cursor` all the same: read on while there is one, whatever a page holds. One condition finds its devices without a look at',
    'others; where there are several, those of one are looked at for the others. The audit log is looked at from the newest on.',
    '',
    'Devices that ask for a place or renew show no key but a secret of their own (`X-Claim-Secret`, `X-Renewal-Token`), and',
    'an `Idempotency-Key` of theirs is not looked at. Owners of devices sign in at `/claim` ([guide](../guide/claims.md));',
    'their cookie opens `/api/v1/my` and what is below it, and every change carries the `formToken` of that as `X-Form-Token`.',
    '',
    '## Scopes of API keys',
    '',
    ...table(['Scope', 'Allows'], scopes),
    '',
    '## Audit log',
    '',
    '`GET /api/v1/audit` has an entry for every change: who made it (`by`), from where, by which request, what it was and what',
    'was there before. It is written by the tables that are changed, before the change: a crash leaves no change without its',
    'entry. One that it took on its way to the disk may leave an entry without the change. `api.auditEntriesMax` are kept,',
    'and as many of what devices and owners tried and may not (`?refused=true`), up to ten a minute for each of them and',
    'address: one that tries all the time drives out no change and nobody else. No',
    'entry holds a secret, a claim code, the input of a command, or a hash of one of them.',
    '',
    ...table(['`by`', 'Who'], Object.entries(AUDIT_ACTORS).map(named)),
    '',
    ...table(['`action`', 'What was done'], Object.entries(AUDIT_ACTIONS).map(named)),
    '',
    'An import writes entries that name up to 200 devices each (`after.changes`), while it goes on, and one at its end that',
    'counts them and says `complete`, with the lines that were left out, or `failed`. Without that last one a crash ended it. Where',
    'what was refused has no entry because there were ten in its minute, the next one says how many have none (`leftOut`).',
    '',
    'No changes are: what becomes of a command or of a batch after it was taken (they say so themselves), who is connected,',
    'that something was used last, sessions of owners (events `ownerSignedIn`, `ownerRefused`), that history was forgotten,',
    'bans, and what a reload of the configuration changes (event `reloaded`).',
    '',
    '## Problems',
    '',
    'What is refused is answered as `application/problem+json` (RFC 9457). `code` never changes its meaning; `detail` says',
    'what was found and what is expected, `errors` where in the input, and `requestId` is in the log of the server.',
    '',
    ...table(['`code`', 'Status', 'Meaning'], problems),
  );
}

function configurationPage(): string {
  const flags = FLAGS.map((flag) => [
    code(flagSpelling(flag).trim()),
    shownVariable(flag),
    flag.description,
    shownFlagDefault(flag),
  ]);
  return page(
    'Configuration',
    '`dunlin serve` reads flags, environment variables and one YAML file (`--config FILE`): a flag wins over its variable, and',
    'the variable over the file. `dunlin config check FILE` says what is wrong with a file, `dunlin config show` what is in',
    'force, `dunlin config import` converts a `mosquitto.conf` ([how](../guide/from-mosquitto.md)). The file has a',
    '[JSON Schema](../../packages/server/configuration.schema.json) for editors, and a',
    '[commented example](../../examples/dunlin.yaml). Sizes may be written with `B`, `kB`, `MB`, `GB` (powers of',
    '1000), `KiB`, `MiB`, `GiB` (powers of 1024), times with `ms`, `s`, `min`, `h`, `d`, in any case, and long numbers',
    'as `1_000_000`; a bare number is in the unit of the table. An unknown key is an error.',
    '',
    '## Flags',
    '',
    ...table(['Flag', 'Environment variable', 'Meaning', 'Default'], flags),
    '',
    'A variable that is empty counts as not set, `DUNLIN_PORT` also where it holds an address with `tcp://`, as Kubernetes',
    'sets it for a Service called dunlin. Other variables that begin with `DUNLIN_` are left alone.',
    '',
    'Exit codes: 0 stopped as asked; 1 the command line or the configuration is wrong; 3 the server could not start or',
    'go on.',
    '',
    '## Environment variables and secrets in the file',
    '',
    'In a value `${NAME}` stands for an environment variable and `${NAME:-other}` for `other` where it is not set or empty;',
    '`$${` is `${` itself, and any other `$` is just that, as in hashes of passwords. A variable that is not set is an error.',
    '',
    `Secrets need not stand in the file: ${secretFileKeys().map(code).join(', ')} names a file with the secret, as Docker and`,
    'Kubernetes give them. Keys and passwords of others are in files anyhow (`tls.key`, `authentication[].file`).',
    '`dunlin config show` shows none of them.',
    '',
    '## Keys of the file',
    '',
    ...table(['Key', 'Value', 'Default', 'Meaning'], keyRows(CONFIGURATION, '')),
    '',
    'Every limit of `limits` stands in [limits.md](limits.md).',
  );
}

function shownFlagDefault(flag: (typeof FLAGS)[number]): string {
  return flagDefault(flag) ?? '';
}

function shownVariable(flag: (typeof FLAGS)[number]): string {
  const variable = flagVariable(flag);
  return variable === undefined ? '' : code(variable);
}

/** Keys that name a file with what another key would hold. */
function secretFileKeys(): string[] {
  const keys = keyRows(CONFIGURATION, '').map(([key]) => key.split(/[` ]/)[1]);
  return keys.filter((key) => key.endsWith('ecretFile'));
}

/** A row a key; the broker's limits have a page of their own. */
function keyRows(shape: Shape, path: string): string[][] {
  const row = path === '' ? [] : [[code(path), shownValue(shape), shownDefault(shape), shape.description]];
  if (shape.kind === 'list') return [...row, ...keyRows(shape.items, `${path}[]`).slice(1)];
  if (shape.kind === 'variants')
    return [
      ...row,
      [code(`${path}.${shape.key}`), Object.keys(shape.variants).map(code).join(', '), '', shape.description],
      ...Object.entries(shape.variants).flatMap(([name, variant]) => variantRows(shape.key, name, variant, path)),
    ];
  if (shape.kind === 'map') return [...row, ...mapRows(shape, path)];
  if (shape.kind !== 'group' || path === 'limits') return row;
  const inner = Object.entries(shape.entries).flatMap(([name, entry]) =>
    keyRows(entry, path === '' ? name : `${path}.${name}`),
  );
  return [...row, ...inner];
}

/** The keys of each entry; what is below a list has its rows where it stands first. */
function mapRows({ names, values }: Shape & { readonly kind: 'map' }, path: string): string[][] {
  if (values.kind !== 'group') return [];
  const inner = `${path}.${names.toUpperCase()}`;
  return Object.entries(values.entries).flatMap(([name, entry]) => {
    const rows = keyRows(entry, `${inner}.${name}`);
    return entry.kind === 'list' ? [rows[0]] : rows;
  });
}

/** The keys of one form, each with the form it belongs to. */
function variantRows(key: string, name: string, variant: Shape, path: string): string[][] {
  const [, ...rows] = keyRows(variant, path);
  return rows.map(([shown, value, standard, meaning]) => [`${shown} (${key} ${code(name)})`, value, standard, meaning]);
}

function shownValue(shape: Shape): string {
  switch (shape.kind) {
    case 'amount':
      return `${range(shape.minimum, shape.maximum)}${shape.unit === '' ? '' : ` ${shape.unit}`}`;
    case 'switch':
      return '`true` or `false`';
    case 'choice':
      return shape.choices.map(code).join(', ');
    case 'text':
      return `text, such as ${code(shape.default ?? shape.example)}`;
    case 'list':
      return shape.items.kind === 'group' || shape.items.kind === 'variants'
        ? 'list of groups'
        : `list of ${shownValue(shape.items)}`;
    case 'variants':
      return 'group';
    case 'map':
      return `group: each key a ${shape.names}, each value ${shownValue(shape.values)}`;
    case 'group':
      return 'group';
    case 'json':
      return `any JSON, such as ${code(shape.example)}`;
  }
}

function limitsPage(): string {
  const rows = Object.entries(LIMITS).map(([name, limit]) => [
    code(name),
    shownDefault({ kind: 'amount', ...limit }),
    `${range(limit.minimum, limit.maximum)} ${limit.unit}`,
    limit.description,
    limit.reasonCode === undefined ? '' : `${hexadecimal(limit.reasonCode)} ${reasonCodeName(limit.reasonCode)}`,
    code(limit.counter),
  ]);
  return page(
    'Limits',
    'Set under `limits` in the file or with `--limit NAME=VALUE`. The Reason Code is what a client of MQTT 5.0 sees; the',
    'counter goes up each time the limit acts. Where no other event tells of it, such as `connectRefused` or',
    '`publishRefused`, the event `limitReached` does, at most once a second and limit.',
    '',
    ...table(['Limit', 'Default', 'Allowed', 'Meaning', 'Reason Code', 'Counter'], rows),
    '',
    '## The device service',
    '',
    'Set under `devices.limits`. Whoever meets one is told by an error that names it, and the event `deviceLimitReached` tells',
    'which it was and of which device. Those in seconds or days say how long something counts and refuse nobody, but',
    '`commandTtlMaxS`; above `commandsInFlightMax` commands wait for their turn.',
    '',
    ...amountsTable('devices.limits'),
    '',
    'Of one device there are besides, and cannot be set: ' +
      `${DEVICE_LIMITS.attributesMax} attributes of ${DEVICE_LIMITS.attributeCharactersMax} characters, ` +
      `${DEVICE_LIMITS.groupsMax} groups of ${DEVICE_LIMITS.groupCharactersMax}, a name of ${DEVICE_LIMITS.nameCharactersMax}`,
    'and one token below 32 bytes (`shortTokensPerDeviceMax` in the event).',
    '',
    '## The HTTP API',
    '',
    'Set under `api`. The event `apiRefused` tells of requests that are too many (429, 503) or too large (413), `apiLimitReached`',
    'of the others: each time where something is refused or one owner signs in too often, and at first and then once an hour',
    'where the oldest make room, with how many did.',
    '',
    ...amountsTable('api'),
  );
}

function named([name, description]: [string, string]): string[] {
  return [code(name), description];
}

/** The numbers that can be set in a group. */
function amountsTable(group: string): string[] {
  const rows = keyRows(CONFIGURATION, '').flatMap(([key, allowed, standard, meaning]) => {
    const name = key.startsWith(`\`${group}.`) ? key.slice(group.length + 2, -1) : '';
    return /^\w+$/.test(name) && /^\d/.test(allowed) ? [[code(name), standard, allowed, meaning]] : [];
  });
  return table(['Limit', 'Default', 'Allowed', 'Meaning'], rows);
}

function eventsPage(): string {
  const events = Object.entries(SERVER_EVENTS).map(([name, { level, description, remedy }]) => [
    code(name),
    level,
    remedy === undefined ? description : `${description} What to do: ${remedy}.`,
  ]);
  const checks = Object.entries<Check>(CHECKS).map(([name, { reasonCode, description }]) => [
    code(name),
    reasonCode === undefined ? 'closed without an answer' : hexadecimal(reasonCode),
    description,
  ]);
  const deviceChecks = Object.entries(DEVICE_CHECKS).map(([name, { reasonCode, description }]) => [
    code(name),
    hexadecimal(reasonCode),
    description,
  ]);
  const counters = Object.entries(COUNTERS).map(([name, description]) => [code(name), description]);
  return page(
    'Events and counters',
    'Events are log lines under the same name (`clientConnected` reads `client connected` on a terminal); at most 50 a',
    'second of each are logged. Of denials (`publishRefused`, `subscriptionRefused`, `willRefused`, `deliveryDenied`) 10 a second',
    'are told of one client and 100 of all, each kind by itself; `denialsUntold` counts the rest. Counters only go up.',
    '',
    '## Events',
    '',
    ...table(['Event', 'Level', 'Meaning'], events),
    '',
    '## Checks',
    '',
    '`connectRefused`, `connectionRejected` and `clientDisconnected` name the check by which a client was not let in or',
    'had to go. Methods of authentication add words of their own, such as `password`. A client sees only the Reason Code,',
    'with 5.0 also a reason that tells nothing to who guesses; 3.x clients get the nearest Return Code.',
    '',
    ...table(['Check', 'Reason Code', 'Meaning'], checks),
    '',
    '## Checks of devices',
    '',
    'Of the method `devices`, beside `certificate-…` as for other certificates.',
    '',
    ...table(['Check', 'Reason Code', 'Meaning'], deviceChecks),
    '',
    '## Counters',
    '',
    ...table(['Counter', 'Meaning'], counters),
  );
}

function reasonCodesPage(): string {
  const rows = REASON_CODES.map(({ value, name, packets }) => [
    hexadecimal(value),
    name,
    packets.map((packet) => packet.toUpperCase()).join(', '),
  ]);
  return page(
    'Reason Codes',
    'The Reason Codes of MQTT 5.0 (section 2.4) and the packets that may carry them.',
    '',
    ...table(['Value', 'Name', 'Packets'], rows),
  );
}

function mosquittoOptionsPage(): string {
  const names = [...MOSQUITTO_OPTIONS].toSorted(([one], [other]) => (one < other ? -1 : 1));
  return page(
    'Options of mosquitto.conf',
    'What `dunlin config import` makes of every option of Mosquitto 2.0 and 2.1, see',
    '[from Mosquitto](../guide/from-mosquitto.md). Options of plugins (`auth_opt_…`, `plugin_opt_…`) are not carried.',
    '',
    ...table(
      ['Option', 'Becomes', 'Otherwise'],
      names.map(([name, { fate }]) => [code(name), ...fateCells(fate)]),
    ),
  );
}

function fateCells(fate: Fate): string[] {
  if ('key' in fate) return [code(fate.key), fate.zeroIsMost ? '0, which is no limit there, becomes the highest' : ''];
  if ('needless' in fate) return ['nothing is lost', fate.needless];
  const unless = fate.unless?.length ? ` (nothing is lost with ${fate.unless.map(code).join(', ')})` : '';
  return [`not carried${unless}`, fate.instead];
}

function page(title: string, ...lines: readonly string[]): string {
  return [NOTE, '', `# ${title}`, '', ...lines, ''].join('\n');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}

function range(minimum: number, maximum: number): string {
  return `${minimum} to ${maximum}`;
}

function code(text: string): string {
  return `\`${text}\``;
}

function hexadecimal(value: number): string {
  return `0x${value.toString(16).toUpperCase().padStart(2, '0')}`;
}

function main(argv: readonly string[]): number {
  const files = referenceFiles();
  const stale = staleFiles(files);
  if (argv.includes('--check')) {
    for (const path of stale) console.error(`${path} is stale: run "npm run reference"`);
    return stale.length === 0 ? 0 : 1;
  }
  for (const path of stale) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), files.get(path) ?? '');
    console.log(`${path} written`);
  }
  return 0;
}

if (import.meta.main) process.exitCode = main(process.argv.slice(2));
