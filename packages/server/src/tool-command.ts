/** How the command `dunlin` is called in what a person is told to type. */
import { basename, dirname, join } from 'node:path';
import { shellWord } from './shell-word.ts';

/** A process, as it was started. */
interface Started {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * The command as it works from any folder: `dunlin` where it is installed, else its path. From another folder `npx dunlin`
 * would ask the registry for a package of that name; and npx ends, with what it runs, at the SIGHUP that is a reload.
 */
export function toolCommand({ argv, env }: Started = process): string {
  const script = argv[1] ?? '';
  const isSource = basename(script) === 'main.ts';
  // In a checkout bin/dunlin.js starts src/main.ts.
  if (isSource) return shellWord(join(dirname(dirname(script)), 'bin', 'dunlin.js'));
  return env.npm_lifecycle_event === 'npx' && script !== '' ? shellWord(script) : 'dunlin';
}
