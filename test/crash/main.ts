/**
 * Runs the crash test by hand: `npm run crash -- --kills 200`; `--broker mosquitto` does the same to Mosquitto,
 * `--durability process` to the other mode.
 */
import { parseArgs } from 'node:util';
import { crashRun } from './crash-run.ts';

const HELP = `npm run crash -- [--kills N] [--messages N] [--broker dunlin|mosquitto] [--durability durable|process]

Kills a server with kill -9 at random moments under load, starts it again on its data, and compares what was acknowledged
with what came: docs/reference/durability.md. It ends with 1 where anything was lost, came twice or out of order.

  --kills N          how often; default 200
  --messages N       messages of each publisher between two kills at the most; default 2000
  --broker NAME      dunlin or mosquitto; default dunlin
  --durability MODE  of Dunlin, durable or process; default durable`;

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    broker: { type: 'string', default: 'dunlin' },
    durability: { type: 'string', default: 'durable' },
    messages: { type: 'string', default: '2000' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(HELP);
  process.exit();
}

const result = await crashRun({
  kind: values.broker === 'mosquitto' ? { name: 'mosquitto' } : { name: 'dunlin', durability: values.durability },
  kills: Number(values.kills),
  messagesPerKill: Number(values.messages),
  loadMs: [20, 700],
  random: Math.random,
  progress: (kill, acknowledged) => {
    if (process.stdout.isTTY) process.stdout.write(`\r${kill} kills, ${acknowledged} messages acknowledged `);
  },
});
if (process.stdout.isTTY) console.log();
for (const finding of result.findings) console.log(finding);
const { kills, acknowledged, delivered, faults, startMs } = result;
console.table({ kills, acknowledged, delivered, ...faults, startMs: Math.round(startMs) });
process.exitCode = Object.values(faults).some((count) => count > 0) ? 1 : 0;
