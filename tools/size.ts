/**
 * How much the client weighs in a browser: `npm run size` lays `@dunlin/client` out as it is published, bundles all that it
 * exports to browsers as a page for production does (esbuild), minifies (terser) and compresses each file (gzip, level 9).
 * It prints what a page loads at once, MQTT.js by the same build, the client as it is in development, with whole texts, and
 * each part that is loaded when it is first used. kB are 1000 bytes. `npm run size -- --files` tells what each source file
 * adds in development, before it is compressed.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { browserBundle } from './browser-bundle.ts';
import { type Bundle, bundled, everything } from './bundle.ts';
import { type Manifest, publishedManifest } from './pack.ts';

/** What the client stays below, in bytes. */
export const CLIENT_BYTES_MAX = 20_000;

/** The same for each part that is loaded when it is first used. */
export const ON_DEMAND_BYTES_MAX: Readonly<Record<string, number>> = {
  authenticating: 800,
  'outbox-keeper': 1100,
  'log-lines': 600,
  'request-response': 2200,
};

const root = dirname(import.meta.dirname);

/** What a page has that imports all of the client: as it is published, found by the conditions of production. */
export async function publishedClient(): Promise<Bundle> {
  const folder = mkdtempSync(join(tmpdir(), 'dunlin-size-'));
  try {
    const installed = join(folder, 'node_modules/@dunlin/client');
    mkdirSync(join(installed, 'dist/bundle'), { recursive: true });
    const manifest: Manifest = JSON.parse(readFileSync(join(root, 'packages/client/package.json'), 'utf8'));
    const published = publishedManifest(manifest, new Map(Object.entries(manifest.dependencies ?? {})));
    writeFileSync(join(installed, 'package.json'), JSON.stringify(published));
    const files = await browserBundle();
    for (const [name, text] of files) writeFileSync(join(installed, 'dist/bundle', name), text);
    const main = `export { ${publicNames(files.get('main.js') ?? '')} } from '@dunlin/client';`;
    return await bundled({ entries: { main }, resolveDir: folder, conditions: [] });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What a module exports but for what only its parts take, which has the short names of variables. */
function publicNames(code: string): string[] {
  const [, exported] = /export\{([^}]*)\};$/.exec(code) ?? ['', ''];
  return exported.match(/[\w$]{4,}(?=,|$)/g) ?? [];
}

/** What a page has in development. */
export function developedClient(): Promise<Bundle> {
  return bundled({ entries: { main: everything('@dunlin/client') } });
}

/** `17.3 kB`. */
export function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(1)} kB`;
}

async function main(): Promise<void> {
  const { mainBytes, onDemandBytes } = await publishedClient();
  const developed = await developedClient();
  console.log(`dunlin client ${kilobytes(mainBytes)} gzipped`);
  console.log(`MQTT.js ${kilobytes((await bundled({ entries: { main: everything('mqtt') } })).mainBytes)} gzipped`);
  console.log(`dunlin client in development, with whole texts: ${kilobytes(developed.mainBytes)} gzipped`);
  for (const [name, bytes] of [...onDemandBytes].sort()) console.log(`on demand: ${name} ${kilobytes(bytes)} gzipped`);
  if (!process.argv.includes('--files')) return;
  for (const [path, bytes] of [...developed.sources].sort(([, a], [, b]) => b - a)) {
    console.log(`${String(bytes).padStart(6)} ${path}`);
  }
}

if (import.meta.main) await main();
