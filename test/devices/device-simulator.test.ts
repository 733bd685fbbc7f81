/** The device simulator of the examples, as its README has it but for the ports and the number of devices. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { makeInitialDirectory, readConfigurationFile, startServer } from '@dunlin/server';
import { scratch } from '../doors/guarded-server.ts';

const EXAMPLE = join(import.meta.dirname, '../../examples/device-simulator');
const FLEET = ['--cameras', '12', '--players', '12', '--certificates', '4', '--processes', '2', '--seconds', '0'];

async function start(directory: string) {
  const file = join(directory, 'dunlin.yaml');
  writeFileSync(file, readFileSync(join(EXAMPLE, 'dunlin.yaml'), 'utf8').replace(/port: \d+/g, 'port: 0'));
  const server = await startServer(readConfigurationFile(file), {});
  const [port, tlsPort, apiPort] = server.listeners.map((listener) => String(listener.port));
  return { server, flags: ['--port', port, '--tls-port', tlsPort, '--api-port', apiPort] };
}

/** Runs it until all are connected and some were woken, then ends it as Ctrl-C does. Settles with what it printed. */
async function simulate(directory: string, flags: readonly string[]): Promise<readonly string[]> {
  const run = [...process.execArgv, join(EXAMPLE, 'main.ts'), '--directory', directory, ...flags, ...FLEET];
  const child = spawn(process.execPath, run, { stdio: ['ignore', 'pipe', 'inherit'] });
  const gone = once(child, 'exit');
  const lines: string[] = [];
  let isAsked = false;
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      lines.push(line);
      // A second time would end it at once.
      if (isAsked || !/24 of 24 connected .* commands +[1-9]\d* .* views +[1-9]/.test(line)) continue;
      isAsked = child.kill('SIGINT');
    }
    assert.deepEqual(await gone, [0, null]);
  } finally {
    child.kill('SIGKILL');
  }
  return lines;
}

test('a fleet is registered by the API, connects from two processes with tokens and certificates and is woken; again it is known', async () => {
  const directory = join(scratch(), 'fleet');
  const init = { user: 'admin', password: 'secret', names: [], tlsPort: 0, port: 0, days: 30, nowMs: Date.now() };
  await makeInitialDirectory({ directory, ...init });
  const { server, flags } = await start(directory);
  try {
    const first = await simulate(directory, flags);
    assert.deepEqual(first.slice(0, 2), [
      'registered 24 of 24, the others were there',
      '4 certificates issued, 4 in all',
    ]);
    assert.match(first.at(-1) ?? '', /^ended: 24 connections, [1-9]\d* commands, [1-9]\d* views, 0 failures$/);
    const again = await simulate(directory, flags);
    assert.deepEqual(again.slice(0, 2), [
      'registered 0 of 24, the others were there',
      '0 certificates issued, 4 in all',
    ]);
  } finally {
    await server.stop();
  }
});
