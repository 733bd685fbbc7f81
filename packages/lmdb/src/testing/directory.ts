/** Data directories for tests: made under the system's temporary folder, gone when the tests of a file have run. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { type LmdbEnvironment, type LmdbOptions, openLmdb } from '../environment.ts';

const made: string[] = [];
const opened = new Set<LmdbEnvironment>();

after(async () => {
  for (const environment of opened) await environment.close();
  for (const directory of made) rmSync(directory, { recursive: true, force: true });
});

/** A path at which nothing is yet. */
export function newDirectory(): string {
  const parent = mkdtempSync(join(tmpdir(), 'dunlin-lmdb-'));
  made.push(parent);
  return join(parent, 'data');
}

/** Opens a data directory, a new one where none is given; closed at the end, where the test has not closed it. */
export async function openEnvironment(options: Partial<LmdbOptions> = {}): Promise<LmdbEnvironment> {
  const environment = await openLmdb({ directory: newDirectory(), durability: 'process', ...options });
  opened.add(environment);
  return environment;
}
