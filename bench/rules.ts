/** The cost of a decision by rules: `node --conditions=@dunlin/source bench/rules.ts`. Prints nanoseconds a decision. */
import { compileRules, type RuleInput, readRules } from '@dunlin/identity';

const RULES = 100;
const clients = 1_000;

const rules: RuleInput[] = Array.from({ length: RULES }, (_, i): RuleInput => {
  if (i % 10 === 0) return { deny: 'publish', topics: `area${i}/+/locked/#` };
  if (i % 10 === 1) return { allow: 'all', topics: `area${i}/{username}/#` };
  return { allow: 'all', topics: i % 2 === 0 ? `area${i}/+/state` : `area${i}/fixed/topic` };
});
const authorizer = compileRules(readRules({ rules }));
const who = (i: number) => ({
  username: `user${i}`,
  identity: `users:user${i}`,
  attributes: {},
  groups: [],
  certificate: undefined,
  expiresAtMs: Infinity,
  claims: undefined,
});
const known = Array.from({ length: 40 }, (_, i) => `area${i}/user1/state`);
const unknown = Array.from({ length: 200_000 }, (_, i) => `area${i % RULES}/user${i}/state`);

function measure(name: string, count: number, run: () => number): void {
  run();
  const start = process.hrtime.bigint();
  const allowed = run();
  const ns = Number(process.hrtime.bigint() - start) / count;
  console.log(`${name.padEnd(44)} ${ns.toFixed(0).padStart(7)} ns   (${allowed} of ${count} allowed)`);
}

const may = authorizer.permissions('c', who(1));
if (may === undefined) throw new Error('Cannot measure: permissions are expected');
measure('publish to one of 40 known topics', 4_000_000, () => {
  let allowed = 0;
  for (let i = 0; i < 4_000_000; i++) if (may.mayPublish(known[i % 40], 1, false) === 0) allowed++;
  return allowed;
});
measure(`publish to a new topic, ${RULES} rules`, unknown.length, () => {
  let allowed = 0;
  for (const topic of unknown) if (may.mayPublish(topic, 1, false) === 0) allowed++;
  return allowed;
});
measure(`subscribe, ${RULES} rules`, 20_000, () => {
  let allowed = 0;
  for (let i = 0; i < 20_000; i++) if (may.maySubscribe(unknown[i], 1) < 0x80) allowed++;
  return allowed;
});
measure(`permissions of a client, ${RULES} rules, 10 with variables`, clients, () => {
  let made = 0;
  for (let i = 0; i < clients; i++) if (authorizer.permissions(`c${i}`, who(i)) !== undefined) made++;
  return made;
});
