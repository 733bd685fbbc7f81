/** `dunlin top` reads what Mosquitto and Dunlin say under `$SYS`. */

import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startServer } from '@dunlin/server';
import { missing } from '../../tools/prerequisites.ts';
import { eventually, Program } from './local-broker.ts';
import { startMosquitto } from './local-mosquitto.ts';

const dunlin = fileURLToPath(new URL('../../packages/cli/bin/dunlin.js', import.meta.url));

async function startDunlin(): Promise<number> {
  const server = await startServer({ listeners: [{ host: '127.0.0.1', port: 0 }], settings: { sysIntervalS: 1 } });
  after(() => server.stop());
  return server.listeners[0].port;
}

const BROKERS: [string, string | false, () => Promise<number>][] = [
  ['Mosquitto', missing('mosquitto'), () => startMosquitto('sys_interval 1')],
  ['Dunlin', false, startDunlin],
];

for (const [name, skip, start] of BROKERS) {
  describe(`dunlin top with ${name}`, { skip }, () => {
    test('clients, subscriptions, retained messages and rates are known', async () => {
      const program = new Program(dunlin, ['top', '-h', '127.0.0.1', '-p', String(await start()), '--interval', '0.2']);
      // One client is there: this one, with its one subscription. What it is sent are these very numbers.
      const known = /^ +1 +\S+ +[1-9]\d*\.\d +\d\S* \w+ +[1-9]\S* \w+ +\S+ +[1-9]\d* +1$/m;
      await eventually(() => known.test(program.out), `numbers, found ${program.out}`);
      program.kill('SIGINT');
      await program.output();
    });
  });
}
