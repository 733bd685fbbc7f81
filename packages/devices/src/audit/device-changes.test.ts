import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { actingAs } from '../actor.ts';
import type { ChangeOf } from './change.ts';
import { DEVICE_CHANGES } from './device-changes.ts';

// Records as their tables have them, but for what no change depends on.
type Fields = Readonly<Record<string, unknown>>;

function changeOf(table: string, before: Fields | undefined, after: Fields | undefined, key = 'k') {
  return (DEVICE_CHANGES[table] as ChangeOf<Fields>)(before, after, key);
}

const token = (id: string, more: Fields = {}) => ({
  ...{ id, label: 'l', hash: 'argon2id of a secret', createdAtMs: 1, ...more },
});
const tokens = (...all: Fields[]) => ({ generation: 'g', tokens: all });

describe('a write to the tokens of a device', () => {
  test('that adds one is its issue, beside one that ends its rotation, without what they are', () => {
    const issued = changeOf('device-tokens', undefined, tokens(token('a', { expiresAtMs: 7 })));
    assert.deepEqual(issued, {
      action: 'token.issue',
      target: 'k',
      after: { tokenId: 'a', label: 'l', expiresAtMs: 7 },
    });
    const rotated = changeOf(
      'device-tokens',
      tokens(token('a'), token('b')),
      tokens(token('a', { overlapEndsAtMs: 9 }), token('c')),
    );
    assert.deepEqual(rotated, {
      action: 'token.rotate',
      target: 'k',
      before: { tokenIds: ['a', 'b'] },
      after: { tokenId: 'c', label: 'l' },
    });
  });

  test('that takes some away is their revocation, also all at once with the device', () => {
    const both = tokens(token('a'), token('b'));
    assert.deepEqual(changeOf('device-tokens', both, tokens(token('a')))?.before, { tokenIds: ['b'] });
    assert.deepEqual(changeOf('device-tokens', both, undefined)?.before, { tokenIds: ['a', 'b'] });
  });
});

describe('a write to a certificate', () => {
  const certificate = {
    deviceId: 'd',
    authority: 'ours',
    notAfterMs: 9,
    revokedAtMs: undefined,
    replacedBy: undefined,
  };

  test('that first uses it, or forgets it long after its end, is no change', () => {
    assert.equal(changeOf('device-certificates', certificate, { ...certificate, firstUsedAtMs: 3 }), undefined);
    assert.equal(changeOf('device-certificates', certificate, undefined), undefined);
  });

  test('that ends its overlap early is one more revocation', () => {
    const ending = { ...certificate, revokedAtMs: 8, reason: 'superseded' };
    assert.equal(changeOf('device-certificates', certificate, ending)?.action, 'certificate.revoke');
    assert.equal(changeOf('device-certificates', ending, { ...ending, revokedAtMs: 2 })?.action, 'certificate.revoke');
    assert.equal(changeOf('device-certificates', ending, ending), undefined);
  });
});

describe('a write to a claim', () => {
  const claim = (kind: string) => ({ id: 'c', type: 't', state: { kind, deviceId: 'd', owner: 'o' } });
  const names = (kinds: (string | undefined)[]) =>
    kinds
      .slice(1)
      .map((kind, index) =>
        changeOf(
          'device-claims',
          kinds[index] === undefined ? undefined : claim(kinds[index]),
          kind === undefined ? kind : claim(kind),
        ),
      )
      .map((change) => change?.action);

  test('names each step once, whatever it takes, and its end where nobody collected', () => {
    assert.deepEqual(names([undefined, 'open', 'confirming', 'confirmed', 'collected', undefined]), [
      undefined,
      'claim.confirm',
      undefined,
      'claim.collect',
      undefined,
    ]);
    assert.deepEqual(names([undefined, 'open', undefined]), [undefined, undefined]);
    assert.deepEqual(names(['open', 'confirmed', undefined]), ['claim.confirm', 'claim.expire']);
  });

  test('names its end where somebody refused it', () => {
    const ended = (kind: string) => actingAs({ by: 'key:1' }, () => names([kind, undefined]));
    assert.deepEqual(
      [ended('open'), ended('confirmed'), ended('collected')],
      [['claim.end'], ['claim.end'], [undefined]],
    );
  });

  test('names its id, and never the code, which is its key', () => {
    const confirmed = changeOf('device-claims', claim('open'), claim('confirmed'), 'ABC234');
    assert.equal(confirmed?.target, 'c');
    assert.doesNotMatch(JSON.stringify(confirmed), /ABC234/);
  });
});

describe('a write to a command', () => {
  const command = (more: Fields = {}) => ({
    ...{ id: 'c', deviceId: 'd', type: 'wake', input: { pin: '1234' }, state: 'queued', why: '', expiresAtMs: 9 },
    ...{ endedAtMs: undefined, batchId: undefined, ...more },
  });
  const action = (before: Fields | undefined, after: Fields | undefined) =>
    changeOf('device-commands', before, after)?.action;

  test('is a change where somebody asked for it or cancelled it, and where its time was over', () => {
    assert.equal(action(undefined, command()), 'command.request');
    assert.equal(
      action(command(), command({ state: 'failed', why: 'cancelled by key:1', endedAtMs: 5 })),
      'command.cancel',
    );
    assert.equal(action(command(), command({ state: 'expired', endedAtMs: 9 })), 'command.expire');
  });

  test('is none where the device has said what became of it, where it is one of a batch, and where it is forgotten', () => {
    assert.equal(action(command(), command({ state: 'sent', endedAtMs: 5 })), undefined);
    assert.equal(action(command(), command({ state: 'failed', why: 'the device said no', endedAtMs: 5 })), undefined);
    assert.equal(action(undefined, command({ batchId: 'b' })), undefined);
    assert.equal(action(command({ state: 'expired', endedAtMs: 9 }), undefined), undefined);
  });

  test('says nothing of what it was asked with', () => {
    assert.doesNotMatch(JSON.stringify(changeOf('device-commands', undefined, command())), /1234/);
  });
});

test('how far a batch has come is no change; that it did not come through is one', () => {
  const batch = (state: string, requested: number) => ({ group: 'g', type: 'wake', state, requested });
  assert.equal(changeOf('device-command-batches', batch('running', 1), batch('running', 2)), undefined);
  assert.equal(changeOf('device-command-batches', batch('running', 1), batch('done', 2)), undefined);
  const expired = changeOf('device-command-batches', batch('running', 1), batch('expired', 1));
  assert.equal(expired?.action, 'batch.expire');
});
