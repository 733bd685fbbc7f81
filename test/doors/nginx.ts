/** Debian's nginx at a free port of this machine, with a configuration of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after } from 'node:test';
import { commandPath } from '../../tools/prerequisites.ts';

/** A test that waits this long has failed. */
const PATIENCE_MS = 10_000;

/**
 * Runs it in `directory` until the tests of the file are over; `http` stands inside of `http { }` and listens at the port.
 * Resolves when it takes connections. Relative paths are those of `directory/conf`.
 */
export async function startNginx(directory: string, port: number, http: string): Promise<void> {
  for (const folder of ['conf', 'logs', 'temporary']) mkdirSync(join(directory, folder), { recursive: true });
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${join(directory, 'temporary', name)};`,
  );
  writeFileSync(
    join(directory, 'conf/nginx.conf'),
    // One process without a change of user, so that the end of this one is the end of all.
    `daemon off; master_process off; pid ${join(directory, 'nginx.pid')}; error_log stderr;
events { }
http { access_log off; ${temporary.join(' ')}
${http}
}
`,
  );
  const command = commandPath('nginx') ?? 'nginx';
  const child = spawn(command, ['-p', directory, '-c', 'conf/nginx.conf', '-e', 'stderr'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  after(() => end(child));
  const giveUpAtMs = performance.now() + PATIENCE_MS;
  while (!(await isOpen(port))) {
    if (child.exitCode !== null || performance.now() > giveUpAtMs) throw new Error(`nginx did not start:\n${said}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
