/** Replaces a set of files and is killed before the call of the system that it is told the number of. */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { FileSet } from '../file-set.ts';

const [folder, text, killedAt] = process.argv.slice(2);
let left = Number(killedAt);
const calls = fs as unknown as Record<string, (...words: unknown[]) => unknown>;
// Those that change what another process finds.
for (const name of ['mkdtempSync', 'writeFileSync', 'linkSync', 'symlinkSync', 'renameSync', 'rmSync']) {
  const call = calls[name];
  calls[name] = (...words) => {
    if (left-- === 0) process.kill(process.pid, 'SIGKILL');
    return call(...words);
  };
}
syncBuiltinESMExports();
const files = new FileSet(folder, { 'cert.pem': 0o644, 'key.pem': 0o600 });
files.commit({ 'cert.pem': text, 'key.pem': text });
files.close();
