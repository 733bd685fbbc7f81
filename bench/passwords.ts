/**
 * What passwords cost: one argon2id hash, and 10,000 checks of passwords that were right before.
 *
 *     node --conditions=@dunlin/source bench/passwords.ts
 */
import { hashPassword, type PasswordHash, PasswordVerifier, parseHash } from '@dunlin/identity';

const HASHES = 20;
const CLIENTS = 10_000;

function cpuMs(since?: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1_000;
}

const password = Buffer.from('correct horse battery staple');
const hash = parseHash(await hashPassword(password));
let before = process.cpuUsage();
for (let at = 0; at < HASHES; at++) await hash.matches(password);
console.log(`argon2id, m=19456 t=2 p=1: ${(cpuMs(before) / HASHES).toFixed(1)} ms of CPU a check`);

const verifier = new PasswordVerifier();
// What the first check cost does not matter here.
const cheap: PasswordHash = { text: hash.text, matches: async () => true };
const owners = Array.from({ length: CLIENTS }, (_, at) => `file:user${at}`);
for (const owner of owners) await verifier.verify(owner, cheap, password);
before = process.cpuUsage();
for (const owner of owners)
  if (verifier.verify(owner, cheap, password) !== 'right') throw new Error('a password was forgotten');
const remembered = cpuMs(before);
console.log(
  `${CLIENTS} remembered passwords: ${remembered.toFixed(0)} ms of CPU, ${(remembered * 1_000) / CLIENTS} µs each`,
);
console.log(`hashes computed ${verifier.counts.computed}, remembered ${verifier.counts.remembered}`);
