/** The action on the audit log: who changed what of devices and when. */

import type { Api } from '../api/api.ts';
import { shortened } from '../cells.ts';
import { usageError } from '../exit-codes.ts';
import { isNear } from '../flags.ts';
import type { Outcome } from '../outcome.ts';
import type { Screen } from '../screen.ts';
import type { AuditAnswer } from './answers.ts';
import type { DeviceFlags } from './device-flags.ts';
import { listLimit, listOutcome } from './device-lines.ts';

/** Cells of what was changed: an import names hundreds of devices, and `--json` has all of it. */
const CHANGE_CELLS = 100;
/** After these something or somebody has less than before. */
const TAKES_AWAY = /\.(?:remove|revoke|refuse)$/;
/** Fields that hold a time of the wall clock, such as expiresAtMs and notAfterMs; overlapMs is none. */
const MOMENT = /(?:At|^notAfter)Ms$/;

/** `target`: the device, or whatever else has an id; undefined: of all. */
export async function listAudit(
  api: Api,
  target: string | undefined,
  flags: DeviceFlags,
  { bold, yellow }: Pick<Screen, 'bold' | 'yellow'>,
): Promise<Outcome> {
  const { by, action, sinceMs, beforeMs, refused } = flags;
  const query = { target, by, action, sinceMs, beforeMs, refused };
  const list = await api.list<AuditAnswer>('/api/v1/audit', query, listLimit(flags));
  const { items } = list;
  if (items.length === 0) {
    if (action !== undefined) await checkAction(action);
    return listOutcome(list, []);
  }
  const rows = items.map(({ atMs, by: who, proof, address, action: done, target: of, before, after }) => [
    new Date(atMs).toISOString().slice(0, 19).replace('T', ' '),
    ...[done, of, proof === undefined ? who : `${who} (${proof})`, address],
    shortened(changeText(before, after, done), CHANGE_CELLS),
  ]);
  const titles = ['WHEN (UTC)', 'ACTION', 'OF', 'BY', 'ADDRESS', 'CHANGE'];
  const paint = (line: string, at: number): string => {
    if (at === 0) return bold(line);
    return TAKES_AWAY.test(items[at - 1].action) ? yellow(line) : line;
  };
  return { ...listOutcome(list, [titles, ...rows]), paint };
}

/** A server may have others, so that it is asked before. */
async function checkAction(action: string): Promise<void> {
  const { AUDIT_ACTIONS } = await import('@dunlin/server');
  const known = Object.keys(AUDIT_ACTIONS);
  if (known.includes(action)) return;
  const near = known.find((name) => isNear(action, name));
  const hint = near === undefined ? `expected one of ${known.join(', ')}` : `did you mean ${near}?`;
  throw usageError(`Cannot find what was done by --action "${action}": the audit log calls nothing so, ${hint}`);
}

/** Such as `enabled: true -> false`, and `type: "camera"` of what came to be. */
function changeText(before: unknown, after: unknown, action: string): string {
  // Both sides of a change have the fields that differ, but for those that are not there.
  const absent = action.endsWith('.change') ? ['none'] : [];
  const [was, is] = [fieldsOf(before), fieldsOf(after)];
  return [...new Set([...Object.keys(was), ...Object.keys(is)])]
    .map((name) => `${name}: ${[was, is].flatMap((fields) => valueText(fields, name, absent)).join(' -> ')}`)
    .join(', ');
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function valueText(fields: Readonly<Record<string, unknown>>, name: string, absent: string[]): string[] {
  if (!Object.hasOwn(fields, name)) return absent;
  const value = fields[name];
  return [MOMENT.test(name) && typeof value === 'number' ? momentText(value) : JSON.stringify(value)];
}

function momentText(atMs: number): string {
  const moment = new Date(atMs);
  return Number.isNaN(moment.getTime()) ? String(atMs) : moment.toISOString();
}
