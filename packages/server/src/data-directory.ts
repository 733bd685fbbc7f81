/** Where `dunlin serve` keeps its data when nobody says: the place that the system has for the state of programs. */
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * The directory that systemd gives a service (STATE_DIRECTORY), else one of the user: XDG_STATE_HOME, the usual place of
 * macOS or Windows, or `~/.local/state/dunlin`.
 */
export function defaultDataDirectory(
  env: NodeJS.ProcessEnv = process.env,
  platform: string = process.platform,
  home: string = homedir(),
): string {
  // Several, where the service has several, are divided by colons.
  if (env.STATE_DIRECTORY) return env.STATE_DIRECTORY.split(':')[0];
  if (env.XDG_STATE_HOME) return join(env.XDG_STATE_HOME, 'dunlin');
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', 'dunlin');
  if (platform === 'win32' && env.LOCALAPPDATA) return join(env.LOCALAPPDATA, 'dunlin');
  return join(home, '.local', 'state', 'dunlin');
}
