/**
 * Fuzzes for as long as it is told: `npm run fuzz -- --minutes 10 --seed 1`. Each seed runs the decoder and then whole
 * connections; the first finding ends it and is printed with its seed and bytes. `--seed N --minutes 0` runs one seed.
 */
import { parseArgs } from 'node:util';
import { fuzzConnections } from './connection-target.ts';
import { type Finding, fuzzDecoder } from './decoder-target.ts';

const DECODER_CASES = 20_000;
const CONNECTIONS = 1500;
const REPORT_MS = 60_000;

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '1' }, seed: { type: 'string', default: '1' } },
});
const first = Number(values.seed);
const endAtMs = performance.now() + Number(values.minutes) * 60_000;
let reportAtMs = performance.now() + REPORT_MS;
let seed = first;
let finding: Finding | undefined;

do {
  finding = fuzzDecoder(seed, DECODER_CASES) ?? (await fuzzConnections(seed, CONNECTIONS));
  seed += 1;
  if (performance.now() < reportAtMs) continue;
  reportAtMs += REPORT_MS;
  console.log(progress());
} while (finding === undefined && performance.now() < endAtMs);

console.log(progress());
if (finding !== undefined) {
  console.error(`\nSeed ${finding.seed}, ${finding.target} ${finding.number}: ${finding.what}\n${finding.bytes}`);
  console.error(`See it again: npm run fuzz -- --seed ${finding.seed} --minutes 0`);
  process.exitCode = 1;
}

function progress(): string {
  const seeds = seed - first;
  const heap = Math.round(process.memoryUsage().heapUsed / 1024 / 1024);
  return `${seeds * DECODER_CASES} damaged packets, ${seeds * CONNECTIONS} connections, ${heap} MiB of heap in use`;
}
