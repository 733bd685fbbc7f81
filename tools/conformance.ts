/**
 * Maps every statement of the standards to the tests that name it and writes `docs/reference/conformance.md`.
 *
 * `node tools/conformance.ts` writes the page and raises the numbers in `test/conformance/coverage.json`;
 * `node tools/conformance.ts --check` changes nothing and fails when a statement that binds a server has neither a
 * black-box test nor an exemption, when one that binds a client has no test of the client, when an exemption or a test names something that does not exist, when the page is
 * stale, or when fewer statements are covered than recorded; `node tools/conformance.ts --transport tls` runs the tests
 * over one transport, of WebSocket in every framing, and `--transport all` over each.
 */

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { RUNS, runConformance, told } from '../test/conformance/run.ts';

export interface Statement {
  id: string;
  version: string;
  section: string;
  side: 'server' | 'client' | 'both';
  requirement: string;
}

/** A test of the repository: file (relative to its root, `/` between parts), title as written, statements it names. */
export interface TestEntry {
  file: string;
  title: string;
  ids: string[];
}

/** Why a statement that binds a server has no black-box test. */
export type Exemption =
  | { reason: 'client-only'; why: string }
  | { reason: 'unit'; file: string; title: string; why: string };

export interface Inputs {
  statements: Statement[];
  tests: TestEntry[];
  exemptions: Record<string, Exemption>;
}

const BLACK_BOX = 'test/conformance/';
/** Tests of the client: against a scripted server, and against real ones. */
const OF_CLIENT = /^packages\/client\/|^test\/interop\/own-client/;
const CONFORMANCE_CALL = /\bconformance\(\s*\[([^\]]*)\],\s*(['"`])((?:\\.|(?!\2)[^\\])*)\2/g;
const TEST_CALL = /\b(?:describe|test|it)(?:\.\w+)?\(\s*(['"`])((?:\\.|(?!\1)[^\\])*)\1/g;
/** The first text of a row in a table of cases: the title of its test. */
const CASE_ROW = /\[\s*(['"`])((?:\\.|(?!\1)[^\\\n])*\[MQTT(?:\\.|(?!\1)[^\\\n])*)\1,/g;
const ID = /\bMQTT(?:31|311)?-(?:rule-\d+|[0-9][0-9.]*(?:-\d+)?)/g;

/** Finds the tests in one source text; only tests that name a statement are returned. */
export function scanTests(file: string, source: string): TestEntry[] {
  const found: TestEntry[] = [];
  for (const [, ids, , title] of source.matchAll(CONFORMANCE_CALL)) {
    found.push({ file, title, ids: ids.match(ID) ?? [] });
  }
  for (const [, , title] of [...source.matchAll(TEST_CALL), ...source.matchAll(CASE_ROW)]) {
    const brackets = title.match(/\[[^\]]*\]/g)?.join(' ') ?? '';
    const ids = brackets.match(ID);
    if (ids !== null) found.push({ file, title, ids });
  }
  return found;
}

const bindsServer = (statement: Statement): boolean => statement.side !== 'client';
const bindsClient = (statement: Statement): boolean => statement.side !== 'server';

/** Statements that bind a server and have a black-box test or an exemption, counted by version. */
export function coverage(inputs: Inputs): Record<string, number> {
  const tested = new Set(inputs.tests.filter(isBlackBox).flatMap((entry) => entry.ids));
  const counts: Record<string, number> = {};
  for (const statement of inputs.statements) {
    counts[statement.version] ??= 0;
    if (bindsServer(statement) && tested.has(statement.id)) counts[statement.version] += 1;
  }
  return counts;
}

function isBlackBox(entry: TestEntry): boolean {
  return entry.file.startsWith(BLACK_BOX);
}

function testedByClient(inputs: Inputs): Set<string> {
  return new Set(inputs.tests.filter(({ file }) => OF_CLIENT.test(file)).flatMap(({ ids }) => ids));
}

/** Everything that is wrong, one sentence each; `source` returns a file's text or undefined. */
export function problems(
  inputs: Inputs,
  recorded: Record<string, number>,
  source: (file: string) => string | undefined,
): string[] {
  const out: string[] = [];
  const known = new Map(inputs.statements.map((statement) => [statement.id, statement]));
  const tested = new Set(inputs.tests.filter(isBlackBox).flatMap((entry) => entry.ids));
  for (const entry of inputs.tests) {
    for (const id of entry.ids) {
      if (!known.has(id)) out.push(`${entry.file}: "${entry.title}" names ${id}, which is no statement`);
    }
  }
  for (const statement of inputs.statements) {
    if (!bindsServer(statement) || tested.has(statement.id) || inputs.exemptions[statement.id]) continue;
    out.push(`${statement.id} has neither a black-box test nor an exemption: ${statement.requirement}`);
  }
  const byClient = testedByClient(inputs);
  for (const statement of inputs.statements.filter(bindsClient)) {
    if (byClient.has(statement.id)) continue;
    out.push(`${statement.id} binds a client and has no test of the client: ${statement.requirement}`);
  }
  for (const [id, exemption] of Object.entries(inputs.exemptions)) {
    if (!known.has(id)) out.push(`the exemption ${id} is no statement`);
    if (tested.has(id)) out.push(`the exemption ${id} is not needed: a black-box test names it`);
    if (exemption.reason === 'unit' && source(exemption.file)?.includes(exemption.title) !== true) {
      out.push(`the exemption ${id} names a test that does not exist: ${exemption.file}: "${exemption.title}"`);
    }
  }
  const counts = coverage(inputs);
  for (const [version, least] of Object.entries(recorded)) {
    const count = counts[version] ?? 0;
    if (count < least) out.push(`MQTT ${version}: ${count} statements have a black-box test, ${least} are recorded`);
  }
  return out;
}

/** The page, as Markdown. */
export function page(inputs: Inputs): string {
  const byId = new Map<string, Set<string>>();
  for (const entry of inputs.tests) {
    for (const id of entry.ids) byId.set(id, (byId.get(id) ?? new Set()).add(entry.file));
  }
  const groups = new Map<string, Statement[]>();
  for (const statement of inputs.statements) {
    const key = statement.version === '3.1' ? 'MQTT 3.1' : `MQTT ${statement.version}: ${statement.section}`;
    groups.set(key, [...(groups.get(key) ?? []), statement]);
  }
  const isTested = (statement: Statement): boolean => [...(byId.get(statement.id) ?? [])].some(inBlackBox);
  const lines = [
    '# Conformance',
    '',
    'Every statement of the standards and the tests that name it. Written by `tools/conformance.ts` from',
    '`test/conformance/statements.json` and the titles of the tests; do not edit. The wording is a paraphrase.',
    '',
    'Black-box tests live in `test/conformance` and speak to the broker over a socket. A statement that binds a server',
    'has such a test or one of two reasons: it binds only a client, or it cannot be seen from outside (the unit test that',
    'covers it is named). One that binds a client has a test of the client, against a scripted server or a real one. The',
    'black-box tests run over every transport: TCP, TLS, WebSocket plain and secure, Unix sockets, and TCP behind the',
    'PROXY protocol; a test that does not apply to one of them names it and says why.',
    '',
    '| Section | Bind a server | With a black-box test | Exempt | Open | Bind a client | With a test of the client |',
    '| --- | ---: | ---: | ---: | ---: | ---: | ---: |',
  ];
  for (const [title, statements] of groups) lines.push(countRow(title, statements, inputs, isTested));
  lines.push(countRow('**all**', inputs.statements, inputs, isTested), '');
  for (const [title, statements] of groups) {
    lines.push(`## ${title}`, '', '| Id | Who | Requirement | Tests |', '| --- | --- | --- | --- |');
    for (const statement of statements) {
      const cells = [
        statement.id,
        statement.side,
        escapeCell(statement.requirement),
        testCell(statement, inputs, byId),
      ];
      lines.push(`| ${cells.join(' | ')} |`);
    }
    lines.push('');
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

function inBlackBox(file: string): boolean {
  return file.startsWith(BLACK_BOX);
}

function countRow(
  title: string,
  statements: Statement[],
  inputs: Inputs,
  isTested: (statement: Statement) => boolean,
): string {
  const server = statements.filter(bindsServer);
  const tested = server.filter(isTested).length;
  const exempt = server.filter((statement) => !isTested(statement) && inputs.exemptions[statement.id]).length;
  const client = statements.filter(bindsClient);
  const byClient = testedByClient(inputs);
  const clientTested = client.filter(({ id }) => byClient.has(id)).length;
  const numbers = [server.length, tested, exempt, server.length - tested - exempt, client.length, clientTested];
  return `| ${title} | ${numbers.join(' | ')} |`;
}

function testCell(statement: Statement, inputs: Inputs, byId: Map<string, Set<string>>): string {
  // Black-box tests first.
  const files = [...(byId.get(statement.id) ?? [])].sort(
    (a, b) => Number(inBlackBox(b)) - Number(inBlackBox(a)) || (a < b ? -1 : 1),
  );
  const links = files.map((file) => `[${linkText(file)}](../../${file})`);
  const exemption = inputs.exemptions[statement.id];
  if (exemption?.reason === 'unit' && !files.includes(exemption.file)) {
    links.push(`[${linkText(exemption.file)}](../../${exemption.file})`);
  }
  if (exemption !== undefined) links.push(`${exemption.reason}: ${escapeCell(exemption.why)}`);
  if (links.length === 0) return '**open**';
  return links.join(', ');
}

function linkText(file: string): string {
  return file
    .replace(/^test\/conformance\/|^packages\//, '')
    .replace(/\/src\//, '/')
    .replace(/\.test\.ts$/, '');
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|');
}

function testFiles(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const out: string[] = [];
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.name === 'node_modules' || entry.name === 'dist') continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) out.push(...testFiles(path));
    else if (entry.name.endsWith('.test.ts')) out.push(path);
  }
  return out.sort();
}

/** Reads what the page is made of from the repository at `root`. */
export function readInputs(root: string): Inputs {
  const json = (file: string) => JSON.parse(readFileSync(join(root, BLACK_BOX, file), 'utf8'));
  const tests: TestEntry[] = [];
  for (const path of [...testFiles(join(root, 'test')), ...testFiles(join(root, 'packages'))]) {
    tests.push(...scanTests(relative(root, path).replaceAll('\\', '/'), readFileSync(path, 'utf8')));
  }
  return { statements: json('statements.json'), tests, exemptions: json('exemptions.json') };
}

function main(root: string, check: boolean): number {
  const inputs = readInputs(root);
  const coverageFile = join(root, BLACK_BOX, 'coverage.json');
  const recorded = existsSync(coverageFile) ? JSON.parse(readFileSync(coverageFile, 'utf8')) : {};
  const source = (file: string) => (existsSync(join(root, file)) ? readFileSync(join(root, file), 'utf8') : undefined);
  const wrong = problems(inputs, recorded, source);
  const pageFile = join(root, 'docs/reference/conformance.md');
  const text = page(inputs);
  const counts = coverage(inputs);
  if (check) {
    if (source('docs/reference/conformance.md') !== text) {
      wrong.push('docs/reference/conformance.md is stale: run node tools/conformance.ts');
    }
  } else {
    mkdirSync(dirname(pageFile), { recursive: true });
    writeFileSync(pageFile, text);
    const raised = Object.entries(counts).map(([version, count]) => [version, Math.max(count, recorded[version] ?? 0)]);
    writeFileSync(coverageFile, `${JSON.stringify(Object.fromEntries(raised), null, 2)}\n`);
  }
  for (const line of wrong) console.error(line);
  const summary = Object.entries(counts).map(([version, count]) => `${version}: ${count}`);
  console.log(`statements that bind a server and have a black-box test: ${summary.join(', ')}`);
  const byClient = testedByClient(inputs);
  const ofClient = inputs.statements.filter(bindsClient);
  console.log(
    `statements that bind a client and have a test of it: ${ofClient.filter(({ id }) => byClient.has(id)).length} of ${ofClient.length}`,
  );
  return wrong.length > 0 ? 1 : 0;
}

/** Runs the tests over one transport or `all`, in turn; returns the exit code. */
async function run(transport: string): Promise<number> {
  const runs = RUNS.filter((one) => transport === 'all' || one.transport === transport);
  if (runs.length === 0) {
    const names = [...new Set(RUNS.map((one) => one.transport)), 'all'].join(', ');
    console.error(`Cannot run the conformance tests over "${transport}": one of ${names} is expected.`);
    return 2;
  }
  let failed = 0;
  for (const one of runs) {
    const outcome = await runConformance(one);
    failed += outcome.failed;
    console.log(told(one, outcome));
  }
  return failed > 0 ? 1 : 0;
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { check: { type: 'boolean' }, transport: { type: 'string' } } });
  process.exitCode =
    values.transport === undefined
      ? main(fileURLToPath(new URL('..', import.meta.url)), values.check === true)
      : await run(values.transport);
}
