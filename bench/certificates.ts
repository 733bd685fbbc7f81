/** What certificates cost: one check, new and known, and a revocation list. Run: `npm run bench:certificates -- [entries]`. */
import { Authorities } from '@dunlin/identity';
import { makeAuthority, makeCertificate, makeCrl, NOW_MS, pem } from '../packages/identity/src/testing/certificates.ts';
import { TestClock } from '../packages/identity/src/testing/clock.ts';

const CLIENTS = 2000;
const entries = Number(process.argv[2] ?? 100_000);
const root = makeAuthority('root');
const middle = makeAuthority('middle', { issuer: root });
const definition = { name: 'bench', certificates: pem(root.der) };

function microseconds(runs: number, work: (run: number) => void): string {
  const start = performance.now();
  for (let run = 0; run < runs; run += 1) work(run);
  return `${(((performance.now() - start) / runs) * 1000).toFixed(1)} µs`;
}

const direct = Array.from({ length: CLIENTS }, () => [makeCertificate({ issuer: root }).der]);
const below = Array.from({ length: CLIENTS }, () => [makeCertificate({ issuer: middle }).der, middle.der]);
for (let round = 1; round <= 3; round += 1) {
  const authorities = new Authorities({ definitions: [definition], clock: new TestClock(NOW_MS) });
  const examine = (chain: readonly Buffer[]) => {
    if (authorities.examine(chain, ['bench']).problem !== undefined)
      throw new Error('Cannot measure: a good certificate is expected');
  };
  const fresh = microseconds(CLIENTS, (run) => examine(direct[run]));
  const freshBelow = microseconds(CLIENTS, (run) => examine(below[run]));
  const known = microseconds(CLIENTS * 10, (run) => examine(direct[run % CLIENTS]));
  console.log(`round ${round}: new ${fresh}, new with an intermediate ${freshBelow}, known ${known}`);
}

const bytes = makeCrl(root, { serials: Array.from({ length: entries }, (_, index) => 2 ** 40 + index * 7919) });
const authorities = new Authorities({ definitions: [definition], clock: new TestClock(NOW_MS) });
for (let round = 1; round <= 3; round += 1) {
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  const start = performance.now();
  authorities.replace([{ ...definition, crls: [{ bytes, source: 'bench.crl' }] }]);
  const ms = (performance.now() - start).toFixed(0);
  globalThis.gc?.();
  const heap = ((process.memoryUsage().heapUsed - before) / 1e6).toFixed(1);
  console.log(`round ${round}: a list of ${entries} (${bytes.length} bytes) in ${ms} ms, ${heap} MB more than before`);
}
