/**
 * How much the client weighs in a browser: `npm run size` bundles the browser entry of `@dunlin/client` with all that it
 * exports (esbuild), minifies (terser) and compresses each file of the bundle (gzip, level 9), and prints what a page
 * loads at once, then MQTT.js by the same build, then each part of the client that is loaded when it is first used.
 * kB are 1000 bytes. `npm run size -- --files` tells what each source file adds to the bundle before it is compressed.
 */
import { readFile } from 'node:fs/promises';
import { dirname, join, parse } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build, type Metafile, type Plugin } from 'esbuild';
import { minify } from 'terser';

/** What the client stays below today, in bytes, so that it does not grow unnoticed; the aim is 20,000. */
export const CLIENT_BYTES_MAX = 25_100;

/** The same for each part that is loaded when it is first used. */
export const ON_DEMAND_BYTES_MAX: Readonly<Record<string, number>> = {
  authenticating: 900,
  'outbox-keeper': 1100,
  'log-lines': 600,
  'request-response': 2400,
};

/** Nothing that would change what the code does. */
const COMPRESS = { passes: 3, hoist_funs: true, keep_fargs: false };

const root = dirname(import.meta.dirname);

/** A bundle for browsers. */
export interface Bundle {
  /** The code of each file by its name; they import each other from beside themselves, and `main.js` is the first. */
  readonly outputs: ReadonlyMap<string, string>;
  /** Gzipped, of `main.js` and what it imports statically. */
  readonly mainBytes: number;
  /** Gzipped, of each file that is loaded on demand, by the name of its source. */
  readonly onDemandBytes: ReadonlyMap<string, number>;
  /** Bytes of each source file that a page loads at once, before terser. */
  readonly sources: ReadonlyMap<string, number>;
}

/** Everything that a package exports. */
export function everything(name: string): string {
  return `export * from '${name}';`;
}

/** Bundles a module of this text, with paths from the root of the repository, as browsers get it. */
export async function bundled(contents: string): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: root },
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    conditions: ['@dunlin/source'],
    absWorkingDir: root,
    outdir: '.',
    entryNames: 'main',
    chunkNames: '[name]-[hash]',
    write: false,
    metafile: true,
    logLevel: 'silent',
    plugins: [sharedStaysInMain],
  });
  const split = new Map<string, string>();
  for (const { path, text } of outputFiles) {
    const { code = '' } = await minify(text, { module: true, ecma: 2020, compress: COMPRESS });
    split.set(parse(path).base, code);
  }
  const outputs = inFirstFile(split);
  const atOnce = loadedAtOnce(metafile.outputs);
  const onDemandBytes = new Map<string, number>();
  const sources = new Map<string, number>();
  let mainBytes = 0;
  for (const [name, code] of outputs) {
    const bytes = gzipSync(code, { level: 9 }).length;
    const { entryPoint = name } = metafile.outputs[name];
    if (!atOnce.has(name)) onDemandBytes.set(parse(entryPoint).name, bytes);
    else {
      mainBytes += bytes;
    }
  }
  for (const name of atOnce) {
    for (const [path, { bytesInOutput }] of Object.entries(metafile.outputs[name].inputs)) {
      sources.set(path, bytesInOutput);
    }
  }
  return { outputs, mainBytes, onDemandBytes, sources };
}

/** Makes each part share all that the page has, so that esbuild keeps that in one file: see `inFirstFile`. */
const sharedStaysInMain: Plugin = {
  name: 'shared-stays-in-main',
  setup: ({ onResolve, onLoad }) => {
    const parts = new Set<string>();
    onResolve({ filter: /^\.\// }, ({ kind, path, resolveDir }) => {
      if (kind === 'dynamic-import') parts.add(join(resolveDir, path));
      return undefined;
    });
    onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      if (!parts.has(path)) return undefined;
      return { loader: 'ts', contents: `${await readFile(path, 'utf8')}export { connect } from '@dunlin/client';` };
    });
  },
};

/**
 * What a part shares with the page belongs into the page's own file, as Rollup, Vite and webpack do it: esbuild has moved
 * it to another one, and left a first file that only names it. Minified modules have one form.
 */
function inFirstFile(split: ReadonlyMap<string, string>): Map<string, string> {
  const first = /^import\{(.*)\}from"\.\/(.*)";export\{(.*)\};$/.exec(split.get('main.js') ?? '');
  if (first === null) return new Map(split);
  const [, imported, chunk, exported] = first;
  const [, code, given] = /^(.*)export\{(.*)\};$/s.exec(split.get(chunk) ?? '') ?? [];
  const locals = new Map(pairs(given).map(([local, name]) => [name, local]));
  const taken = new Map(pairs(imported).map(([name, local]) => [local, locals.get(name)]));
  const parts = [...split].filter(([name]) => name !== 'main.js' && name !== chunk);
  const names = new Set(pairs(exported).map(([local, name]) => `${taken.get(local)} as ${name}`));
  const outputs = new Map<string, string>();
  for (const [name, text] of parts) {
    outputs.set(name, text.replaceAll(`"./${chunk}"`, '"./main.js"'));
    for (const [, list, from] of text.matchAll(/import\{([^}]*)\}from"\.\/([^"]*)"/g)) {
      if (from === chunk) for (const [outer] of pairs(list)) names.add(`${locals.get(outer)} as ${outer}`);
    }
  }
  return outputs.set('main.js', `${code}export{${[...names].join(',')}};`);
}

/** `a as b,c` as pairs: a and b, c and c. */
function pairs(list: string): (readonly [string, string])[] {
  return list.split(',').map((one) => {
    const [from, to = from] = one.split(' as ');
    return [from, to] as const;
  });
}

/** The names of `main.js` and of all that it imports statically. */
function loadedAtOnce(outputs: Metafile['outputs']): Set<string> {
  const names = new Set(['main.js']);
  for (const name of names) {
    for (const { path, kind } of outputs[name].imports) if (kind === 'import-statement') names.add(path);
  }
  return names;
}

/** `17.3 kB`. */
export function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(1)} kB`;
}

async function main(): Promise<void> {
  const { mainBytes, onDemandBytes, sources } = await bundled(everything('@dunlin/client'));
  console.log(`dunlin client ${kilobytes(mainBytes)} gzipped`);
  console.log(`MQTT.js ${kilobytes((await bundled(everything('mqtt'))).mainBytes)} gzipped`);
  for (const [name, bytes] of [...onDemandBytes].sort()) console.log(`on demand: ${name} ${kilobytes(bytes)} gzipped`);
  if (!process.argv.includes('--files')) return;
  for (const [path, bytes] of [...sources].sort(([, a], [, b]) => b - a)) {
    console.log(`${String(bytes).padStart(6)} ${path}`);
  }
}

if (import.meta.main) await main();
