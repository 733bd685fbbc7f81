/**
 * Every table of the device service, and what of it is a change for the audit log. What is not here is none: how far a command
 * or a batch has come and what devices say of it, when something was used last, and that history was forgotten.
 */

import { BY_SERVICE, currentActor } from '../actor.ts';
import { CERTIFICATES, type CertificateRecord } from '../authority/certificate-record.ts';
import { CLAIMS, type Claim } from '../claims/claim.ts';
import { RENEWALS, type RenewalRecord } from '../claims/renewals.ts';
import type { Command } from '../commands/command.ts';
import { COMMAND_TABLE } from '../commands/command-table.ts';
import { CANCELLED } from '../commands/commands.ts';
import { BATCHES, type Batch } from '../commands/group-commands.ts';
import type { StoredTokens } from '../credentials/stored-tokens.ts';
import { TOKEN_USES } from '../credentials/token-uses.ts';
import { TOKENS } from '../credentials/tokens.ts';
import type { Device } from '../device.ts';
import { PRESENCE_TABLE } from '../presence/presence-table.ts';
import { DEVICES, type StoredDevice } from '../registry/registry.ts';
import { REMOVED_IDS } from '../registry/removed-ids.ts';
import type { AUDITED_ACTIONS } from './audited-actions.ts';
import { type ChangeOf, difference, type MadeChange, NO_CHANGE } from './change.ts';

type Action = keyof typeof AUDITED_ACTIONS;

function change(action: Action, target: string, more: Omit<MadeChange, 'action' | 'target'> = {}): MadeChange {
  return { action, target, ...more };
}

const ofDevice: ChangeOf<StoredDevice> = (before, after, id) => {
  if (before === undefined) return after && change('device.add', id, { after: shown(after) });
  // The record of one that was removed stays until nothing else is left of it.
  if (after === undefined) return undefined;
  if (after.removedAtMs !== undefined) return change('device.remove', id, { before: shown(before) });
  const differing = difference(shown(before), shown(after));
  return differing && change('device.change', id, differing);
};

function shown({ device }: StoredDevice): Partial<Device> {
  const { createdAtMs: _, changedAtMs: __, ...rest } = device;
  return rest;
}

const ofTokens: ChangeOf<StoredTokens> = (before, after, id) => {
  const was = before !== undefined && (after === undefined || before.generation === after.generation);
  const former = was ? before.tokens : [];
  const now = after?.tokens ?? [];
  const issued = now.find((token) => !former.some((one) => one.id === token.id));
  const gone = former.filter((token) => !now.some((one) => one.id === token.id));
  const ending = now.filter(({ id: tokenId, overlapEndsAtMs }) =>
    former.some((one) => one.id === tokenId && one.overlapEndsAtMs !== overlapEndsAtMs),
  );
  const ids = (tokens: StoredTokens['tokens']) => tokens.map((token) => token.id);
  if (issued === undefined)
    return gone.length === 0 ? undefined : change('token.revoke', id, { before: { tokenIds: ids(gone) } });
  const { id: tokenId, label, expiresAtMs } = issued;
  const seen = { tokenId, label, ...(expiresAtMs !== undefined && { expiresAtMs }) };
  if (ending.length === 0) return change('token.issue', id, { after: seen });
  return change('token.rotate', id, { before: { tokenIds: ids([...ending, ...gone]) }, after: seen });
};

const ofCertificate: ChangeOf<CertificateRecord> = (before, after, serial) => {
  if (after === undefined) return undefined;
  const { deviceId, authority, notAfterMs, revokedAtMs, reason, replacedBy } = after;
  if (before === undefined) return change('certificate.issue', deviceId, { after: { serial, authority, notAfterMs } });
  if (before.revokedAtMs !== revokedAtMs)
    return change('certificate.revoke', deviceId, { after: { serial, reason, revokedAtMs } });
  if (before.replacedBy === replacedBy) return undefined;
  return change('certificate.renew', deviceId, { before: { serial }, after: { serial: replacedBy } });
};

const ofRenewals: ChangeOf<RenewalRecord> = (before, after, id) => {
  if (after === undefined) return change('renewal-token.revoke', id);
  const expiresAtMs = after.tokens[0]?.expiresAtMs;
  const isReplaced = before?.generation === after.generation;
  return change(isReplaced ? 'renewal-token.replace' : 'renewal-token.issue', id, { after: { expiresAtMs } });
};

/**
 * Its key is the code, which is nobody's business. Anybody may ask, so that asking, and a code that nobody entered, are no
 * change: strangers would push out what is.
 */
const ofClaim: ChangeOf<Claim> = (before, after) => {
  if (before === undefined) return undefined;
  const { id, state } = after ?? before;
  if (after === undefined) {
    if (state.kind === 'collected') return undefined;
    if (currentActor().by !== BY_SERVICE) return change('claim.end', id, { before: { type: before.type } });
    return state.kind === 'open' ? undefined : change('claim.expire', id);
  }
  if (state.kind === 'open') return undefined;
  const { owner, deviceId } = state;
  if (before.state.kind === 'open') return change('claim.confirm', id, { after: { deviceId, owner } });
  return state.kind === 'collected' && before.state.kind !== 'collected'
    ? change('claim.collect', id, { after: { deviceId } })
    : undefined;
};

const ofCommand: ChangeOf<Command> = (before, after) => {
  if (after === undefined || after.batchId !== undefined) return undefined;
  const { id: commandId, deviceId, type, expiresAtMs, state, why } = after;
  if (before === undefined) return change('command.request', deviceId, { after: { commandId, type, expiresAtMs } });
  if (before.endedAtMs !== undefined || after.endedAtMs === undefined) return undefined;
  if (state === 'expired') return change('command.expire', deviceId, { after: { commandId, type }, isOfTime: true });
  return state === 'failed' && why.startsWith(CANCELLED)
    ? change('command.cancel', deviceId, { after: { commandId, type } })
    : undefined;
};

const ofBatch: ChangeOf<Batch> = (before, after, id) => {
  if (after === undefined || before?.state === after.state) return undefined;
  const { group, type, state } = after;
  if (before === undefined) return change('batch.request', id, { after: { group, type } });
  if (state === 'cancelled') return change('batch.cancel', id, { after: { group, type } });
  return state === 'expired' ? change('batch.expire', id, { after: { group, type }, isOfTime: true }) : undefined;
};

/** By the name of the table. */
export const DEVICE_CHANGES: Readonly<Record<string, ChangeOf<never>>> = {
  [DEVICES.name]: ofDevice,
  [TOKENS.name]: ofTokens,
  [CERTIFICATES.name]: ofCertificate,
  [RENEWALS.name]: ofRenewals,
  [CLAIMS.name]: ofClaim,
  [COMMAND_TABLE.name]: ofCommand,
  [BATCHES.name]: ofBatch,
  // Who is connected is no change of anybody, and what they use neither.
  [PRESENCE_TABLE.name]: NO_CHANGE,
  [TOKEN_USES.name]: NO_CHANGE,
  // That the device was removed is written down as such.
  [REMOVED_IDS.name]: NO_CHANGE,
};
