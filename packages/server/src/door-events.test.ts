import assert from 'node:assert/strict';
import { test } from 'node:test';
import { doorEvents } from './door-events.ts';
import { SERVER_EVENTS, type ServerEvent } from './events.ts';

test('everything that doors tell is an event with a level, of fields that a log line can have', () => {
  const events: ServerEvent[] = [];
  const tell = doorEvents((event) => events.push(event));
  const address = '192.0.2.1';
  tell.method({ name: 'methodFailed', method: 'http', listener: 'tcp', clientId: 'c', error: 'x' });
  tell.attempt({ name: 'addressBanned', address, username: undefined, listener: 'tcp', failures: 5, banMs: 1 });
  tell.flapping({ name: 'clientFlapping', clientId: 'c', identity: 'users:ada', listener: 'tcp', banMs: 1 });
  tell.certificate({ code: 'certificate-expired', source: 'ca.pem', message: 'it has ended' } as Parameters<
    typeof tell.certificate
  >[0]);
  const difference = { clientId: 'c', username: 'u', action: 'publish', topic: 't', shape: 's' } as const;
  tell.shadow({ ...difference, candidate: 'deny', decidedBy: 'rules[0]', count: 1 });
  tell.skippedRule({ place: 'rules[0]', variable: 'username', clientId: 'c' } as Parameters<
    typeof tell.skippedRule
  >[0]);
  const names = [
    'methodFailed',
    'addressBanned',
    'clientFlapping',
    'certificateWarning',
    'shadowDiffers',
    'ruleSkipped',
  ];
  assert.deepEqual(
    events.map(({ name }) => name),
    names,
  );
  for (const { name, ...fields } of events) {
    assert.ok(SERVER_EVENTS[name].level);
    for (const value of Object.values(fields)) assert.ok(['string', 'number', 'undefined'].includes(typeof value));
  }
});
