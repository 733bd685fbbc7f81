/**
 * How much the client weighs in a browser: `npm run size` bundles the browser entry of `@dunlin/client` with all that it
 * exports (esbuild), minifies (terser) and compresses it (gzip, level 9), and prints its size and that of MQTT.js by the
 * same build.
 * kB are 1000 bytes. `npm run size -- --files` tells what each file adds to the bundle before it is compressed.
 */
import { dirname } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { minify } from 'terser';

/** What the client must stay below, in bytes: the promise of its README. */
export const CLIENT_BYTES_MAX = 20_000;

/** Nothing that would change what the code does. */
const COMPRESS = { passes: 3, hoist_funs: true, keep_fargs: false };

const root = dirname(import.meta.dirname);

/** A bundle for browsers. */
export interface Bundle {
  readonly code: string;
  readonly gzippedBytes: number;
  /** Bytes of each file in it, before terser. */
  readonly files: ReadonlyMap<string, number>;
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
    minify: true,
    format: 'esm',
    platform: 'browser',
    conditions: ['@dunlin/source'],
    absWorkingDir: root,
    outfile: 'bundle.js',
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  const [{ text }] = outputFiles;
  const { code = '' } = await minify(text, { module: true, ecma: 2020, compress: COMPRESS });
  const [{ inputs }] = Object.values(metafile.outputs);
  const files = new Map(Object.entries(inputs).map(([path, { bytesInOutput }]) => [path, bytesInOutput]));
  return { code, gzippedBytes: gzipSync(code, { level: 9 }).length, files };
}

/** `17.3 kB`. */
export function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(1)} kB`;
}

async function main(): Promise<void> {
  const client = await bundled(everything('@dunlin/client'));
  console.log(`dunlin client ${kilobytes(client.gzippedBytes)} gzipped`);
  console.log(`MQTT.js ${kilobytes((await bundled(everything('mqtt'))).gzippedBytes)} gzipped`);
  if (!process.argv.includes('--files')) return;
  for (const [path, bytes] of [...client.files].sort(([, a], [, b]) => b - a)) {
    console.log(`${String(bytes).padStart(6)} ${path}`);
  }
}

if (import.meta.main) await main();
