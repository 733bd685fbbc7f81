import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { publicNames } from './public-names.ts';

const folder = mkdtempSync(join(tmpdir(), 'dunlin-names-'));
after(() => rmSync(folder, { recursive: true }));

function namesOf(files: Readonly<Record<string, string>>, ...entries: string[]): ReadonlySet<string> {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, `${name}.d.ts`), text);
  const paths = entries.map((name) => join(folder, `${name}.d.ts`));
  return publicNames(paths, (specifier) => (specifier === 'a-package' ? join(folder, 'package.d.ts') : undefined));
}

test('what exports lead to is public, through files, packages and types, and nothing else', () => {
  const index = [
    `/// <reference lib="hiddenInAReference" preserve="true" />`,
    `import { type Options } from './options.ts';`,
    `import { type Hidden } from './hidden.ts';`,
    `export { Client as Other } from './client.ts';`,
    `export * from './all.ts';`,
    `/** hiddenInAComment */`,
    `export declare const make: (options: Options) => void;`,
    `interface NotReached {`,
    `    readonly notReached: Hidden;`,
    `}`,
    `export {};`,
  ].join('\n');
  const names = namesOf(
    {
      index,
      options: `export interface Options {\n    readonly keepAlive: number;\n}\nexport interface More {\n    readonly more: 1;\n}`,
      hidden: 'export interface Hidden {\n    readonly hidden: 1;\n}',
      client: `import type { Packet } from 'a-package';\nexport declare class Client {\n    #private;\n    send(packet: Packet): void;\n}`,
      all: 'export type State = { readonly state: Inner };\ninterface Inner {\n    readonly inner: 1;\n}',
      package: `export * from './packets.ts';`,
      packets: 'export interface Packet {\n    readonly packetId: number;\n}',
    },
    'index',
  );
  for (const name of ['make', 'keepAlive', 'send', 'packetId', 'state', 'inner']) assert.ok(names.has(name), name);
  for (const name of ['more', 'hidden', 'notReached', 'hiddenInAComment', 'hiddenInAReference'])
    assert.ok(!names.has(name), name);
});

test('a form of declarations that is not known is refused', () => {
  assert.throws(
    () => namesOf({ index: 'export default 1;' }, 'index'),
    /expected an import, an export or a declaration/,
  );
});
