/** The version of the tool. */

import { readFileSync } from 'node:fs';

/** As in the package's manifest, which lies beside the sources and beside what is built from them. */
export function toolVersion(): string {
  const manifest: { version: string } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return manifest.version;
}
