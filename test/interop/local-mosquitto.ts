/** Mosquitto on a free port, for the tests that ask it beside Dunlin. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { commandPath } from '../../tools/prerequisites.ts';
import { freePort } from '../free-port.ts';
import { eventually, Program } from './local-broker.ts';

/** Starts it until the tests end, with further lines of its configuration; returns its port. */
export async function startMosquitto(...lines: string[]): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'dunlin-mosquitto-'));
  after(() => rm(folder, { recursive: true, force: true }));
  const port = await freePort();
  const configuration = join(folder, 'mosquitto.conf');
  await writeFile(configuration, [`listener ${port} 127.0.0.1`, 'allow_anonymous true', ...lines, ''].join('\n'));
  await runMosquitto(configuration);
  return port;
}

/** Runs it by a configuration; settles when it says that it is there. */
export async function runMosquitto(configuration: string): Promise<Program> {
  const program = new Program(commandPath('mosquitto') as string, ['-c', configuration]);
  await eventually(() => program.err.includes('running') || program.out.includes('running'), 'Mosquitto');
  return program;
}
