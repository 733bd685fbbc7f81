import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Denials } from './denials.ts';
import type { BrokerEvent } from './events.ts';
import { PERMIT_ALL } from './memory/permit-all.ts';
import { createMetrics } from './metrics.ts';

function teller() {
  const told: BrokerEvent[] = [];
  return {
    told,
    metrics: createMetrics(),
    hasListeners: true,
    steadyMs: 0,
    usernameOf: (clientId: string) => (clientId === 'long' ? 'x'.repeat(129) : `user-${clientId}`),
    tell: (event: BrokerEvent) => told.push(event),
  };
}

function denied(clientId: string, topic = 't'): Extract<BrokerEvent, { name: 'deliveryDenied' }> {
  return { name: 'deliveryDenied', clientId, username: `user-${clientId}`, topic, rule: undefined };
}

test('tells the rule that decided, and asks for none where nothing is told', () => {
  const all = teller();
  const denials = new Denials(all);
  let asked = 0;
  const explain = () => `rule ${++asked}`;
  const action = { action: 'receive', name: 't', qos: 0, retain: false } as const;
  for (let i = 0; i < 20; i++) denials.tell(denied('a'), { ...PERMIT_ALL, explain }, action);
  assert.deepEqual([all.told[0], asked], [{ ...denied('a'), rule: 'rule 1' }, 10]);
  all.hasListeners = false;
  denials.tell(denied('b'), { ...PERMIT_ALL, explain }, action);
  assert.equal(asked, 10);
});

test('tells ten of a kind and client in a second and counts the rest, so that a flood of one hides nobody else', () => {
  const all = teller();
  const denials = new Denials(all);
  for (let i = 0; i < 1_000; i++) denials.tell(denied('flood'));
  denials.tell(denied('quiet'));
  denials.tell({ name: 'willRefused', clientId: 'flood', topic: 'w', reasonCode: 0x87, rule: undefined });
  assert.deepEqual([all.told.length, all.metrics.denialsUntold], [12, 990]);
  all.steadyMs = 1_000;
  denials.tell(denied('flood'));
  assert.equal(all.told.length, 13);
});

test('tells the user name of the session where none is given, and none that may be a token', () => {
  const all = teller();
  const denials = new Denials(all);
  const denial = { name: 'deliveryDenied', topic: 't', rule: undefined } as const;
  denials.tell({ ...denial, clientId: 'a' });
  denials.tell({ ...denial, clientId: 'b', username: undefined });
  denials.tell({ ...denial, clientId: 'long' });
  assert.deepEqual(
    all.told.map((event) => 'username' in event && event.username),
    ['user-a', undefined, undefined],
  );
});

test('tells a hundred of a kind in a second, however many clients they are of', () => {
  const all = teller();
  const denials = new Denials(all);
  for (let i = 0; i < 1_000; i++) denials.tell(denied(`client-${i}`));
  assert.deepEqual([all.told.length, all.metrics.denialsUntold], [100, 900]);
});
