/** The manuals for those who run a server: what they print is read by the code that will read it. */

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CHECKS } from '@dunlin/broker';
import { readAclFlags } from '../../packages/cli/src/acl-flags.ts';
import { readDeviceFlags } from '../../packages/cli/src/device/device-flags.ts';
import { readPasswdFlags } from '../../packages/cli/src/passwd-flags.ts';
import { readPubFlags } from '../../packages/cli/src/pub-flags.ts';
import { readStoreFlags } from '../../packages/cli/src/store-flags.ts';
import { readSubFlags } from '../../packages/cli/src/sub-flags.ts';
import { completeConfiguration } from '../../packages/server/src/configuration.ts';
import { parseConfiguration } from '../../packages/server/src/configuration-file.ts';
import { readCommandLine } from '../../packages/server/src/flags.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const manuals = [
  'docs/troubleshooting.md',
  'docs/guide/certificates.md',
  'docs/guide/claims.md',
  'docs/guide/security.md',
  'docs/guide/topics.md',
  ...readdirSync(join(root, 'docs/runbooks')).map((name) => `docs/runbooks/${name}`),
];
const text = (path: string): string => readFileSync(join(root, path), 'utf8');
const blocks = (path: string, language: string): string[] =>
  [...text(path).matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(([, code]) => code);

test('every configuration in the manuals is one that the server takes', () => {
  const environment = { AUTH_TOKEN: 'token', BOB_HASH: '$6$salt$hash' };
  let read = 0;
  for (const path of manuals)
    for (const yaml of blocks(path, 'yaml')) {
      completeConfiguration(parseConfiguration(yaml, path, { directory: '/etc/dunlin', environment }));
      read += 1;
    }
  assert.ok(read > 15);
});

const READERS: Readonly<Record<string, (words: readonly string[]) => unknown>> = {
  serve: readCommandLine,
  pub: readPubFlags,
  sub: readSubFlags,
  store: readStoreFlags,
  acl: readAclFlags,
  passwd: readPasswdFlags,
  device: readDeviceFlags,
};

test('every command line of dunlin in the manuals is one that the tool knows', () => {
  let read = 0;
  // Every line of the guide to claims is run by its own test.
  for (const path of manuals.filter((name) => name !== 'docs/guide/claims.md')) {
    const inText = [...text(path).matchAll(/`dunlin ((?:serve|pub|sub|store|acl|passwd) [^`]+)`/g)].map(
      ([, line]) => line,
    );
    const inBlocks = blocks(path, 'sh').flatMap((code) =>
      [...code.matchAll(/^(?:sudo -u dunlin )?dunlin (.+?)(?: > \S+)?$/gm)].map(([, line]) => line),
    );
    for (const line of [...inText, ...inBlocks]) {
      const [command, ...words] = shellWords(line);
      assert.ok(Object.hasOwn(READERS, command), `${path}: dunlin ${line}`);
      assert.doesNotThrow(() => READERS[command](words), `${path}: dunlin ${line}`);
      read += 1;
    }
  }
  assert.ok(read > 15);
});

/** Words of one command, quotes and a comment at the end taken off. */
function shellWords(line: string): string[] {
  const words = [...line.matchAll(/'([^']*)'|(#.*)$|([^\s']+)/g)];
  return words.flatMap(([, quoted, comment, plain]) => (comment === undefined ? [quoted ?? plain] : []));
}

test('the table of checks has every word by which a client is refused, and no other', () => {
  const listed = [...text('docs/troubleshooting.md').matchAll(/^\| `([\w-]+)` \| (?:0x|closed)/gm)].map(
    ([, word]) => word,
  );
  const known = new Set([...Object.keys(CHECKS), ...checksOfMethods(), ...checksOfTransport()]);
  assert.deepEqual([...listed].sort(), [...known].sort());
});

/** Words in the sources of the methods, which name them as literals. */
function checksOfMethods(): string[] {
  return sources('packages/identity/src').flatMap(([name, source]) => {
    if (CERTIFICATE_SOURCES.includes(name))
      return certificateProblems(source).map((problem) => `certificate-${problem}`);
    const words = source.matchAll(/(?:\bcheck: |refusal\(\s*(?:ReasonCode\.\w+,\s*)?|banned\()'([a-z-]+)'/g);
    return [...words, ...source.matchAll(/'(token-[a-z-]+)'/g)].map(([, word]) => word);
  });
}

const CERTIFICATE_SOURCES = ['certificate-method.ts', 'certificate-chain.ts', 'authorities.ts'];

/** Members of the types that say what is wrong with a certificate. */
function certificateProblems(source: string): string[] {
  const lines = source
    .split('\n')
    .filter((line) => /^ +\| '|^ +(?:readonly )?problem: .*'[;,]?$/.test(line) && line.includes(' | '));
  return lines.flatMap((line) => [...line.matchAll(/'([a-z-]+)'(?!\])/g)].map(([, word]) => word));
}

/** Codes of our own by which a connection ends before MQTT. */
function checksOfTransport(): string[] {
  const ofServers = sources('packages/transport/src').filter(([name]) => name !== 'websocket.ts');
  return ofServers.flatMap(([, source]) =>
    [...source.matchAll(/'(DUNLIN_(?:BACKLOG|(?:PROXY|HANDSHAKES|CERTIFICATE|HTTP|ADDRESS|WAITING)_[A-Z_]+))'/g)].map(
      ([, word]) => word,
    ),
  );
}

function sources(folder: string): [name: string, source: string][] {
  const names = readdirSync(join(root, folder)).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'));
  return names.map((name) => [name, text(`${folder}/${name}`)]);
}

test('every link of the manuals leads to a file, and to a heading in it', () => {
  let followed = 0;
  for (const path of manuals)
    for (const [, target] of text(path).matchAll(/\]\(([^)]+)\)/g)) {
      const [file, anchor] = target.split('#');
      const linked = file === '' ? path : join(dirname(path), file);
      assert.ok(existsSync(join(root, linked)), `${path}: ${target}`);
      if (anchor !== undefined) assert.ok(anchors(linked).includes(anchor), `${path}: ${target}`);
      followed += 1;
    }
  assert.ok(followed > 30);
});

/** Anchors of the headings, as GitHub makes them. */
function anchors(path: string): string[] {
  return [...text(path).matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}
