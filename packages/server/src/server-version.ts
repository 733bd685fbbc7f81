/** The version of this package. */
import { readFileSync } from 'node:fs';

/** As `$SYS/broker/version` tells it. */
export const SERVER_VERSION: string = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
).version;
