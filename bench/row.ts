/**
 * One row quickly, for tuning:
 * `npm run bench:row -- pairs50-q0 [--broker dunlin]… [--runs 1] [--duration 2] [--count N] [--cpu-prof]`.
 *
 * Prints a line for each run. `--count` makes the rows that count their messages shorter. `--cpu-prof` profiles Dunlin
 * from start to end, keeps the profile for the developer tools of a browser and lists the functions that took most time
 * themselves. `--dunlin-command` tries another start command.
 */
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { selectBrokers } from './broker-kinds.ts';
import { endChildrenOnExit } from './brokers.ts';
import { measure } from './measure.ts';
import { type CpuProfile, sharesOf } from './profile.ts';
import { faultsOf, formatNumber, median } from './report.ts';
import { rows, selectRows } from './rows.ts';

const functionsShown = 30;

function printProfiles(folder: string): void {
  for (const file of readdirSync(folder)) {
    const path = join(folder, file);
    console.log(`\n${path}`);
    const shares = sharesOf(JSON.parse(readFileSync(path, 'utf8')) as CpuProfile);
    for (const { percent, name } of shares.slice(0, functionsShown))
      console.log(`${percent.toFixed(1).padStart(6)} % ${name}`);
  }
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: 'string', default: '1' },
    duration: { type: 'string', default: '2' },
    count: { type: 'string' },
    broker: { type: 'string', multiple: true, default: ['dunlin'] },
    'cpu-prof': { type: 'boolean', default: false },
    'dunlin-command': { type: 'string' },
  },
});
if (positionals.length === 0) {
  console.error(`Which row? ${rows.map(({ id }) => id).join(' ')}`);
  process.exit(1);
}
const brokers = selectBrokers(values.broker);
const profiles = values['cpu-prof'] ? mkdtempSync(join(tmpdir(), 'dunlin-profile-')) : undefined;
endChildrenOnExit();
const plan = {
  rows: selectRows(positionals),
  brokers,
  runs: Number(values.runs),
  seconds: Number(values.duration),
  count: values.count === undefined ? undefined : Number(values.count),
  dunlinCommand: values['dunlin-command'],
  nodeOptions: profiles && `--cpu-prof --cpu-prof-dir=${profiles}`,
};
const measured = await measure(plan, (row, broker, result) => {
  const figures = row.figures.flatMap(({ key, unit, beside }) => [
    `${formatNumber(median([result], key))} ${unit}`,
    ...(beside ? [`${formatNumber(median([result], beside.key))} ${beside.title}`] : []),
  ]);
  const load = `broker ${formatNumber(median([result], 'cpu_pct'))} %, generator ${formatNumber(median([result], 'gen_pct'))} %`;
  console.log(`${row.id.padEnd(16)} ${broker.padEnd(10)} ${result.error ?? `${figures.join('  ')}  (${load})`}`);
});
for (const row of plan.rows) for (const fault of faultsOf(row, measured.get(row.id) ?? {})) console.log(fault);
if (profiles) printProfiles(profiles);
