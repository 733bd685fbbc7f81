import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SysMeter } from './sys-meter.ts';

function said(meter: SysMeter, values: Readonly<Record<string, number | string>>): void {
  for (const [name, value] of Object.entries(values)) meter.take(`$SYS/broker/${name}`, Buffer.from(String(value)));
  meter.settle();
}

test('a rate is what a counter grew by between two times, as the server counts its seconds', () => {
  const meter = new SysMeter();
  said(meter, { version: 'x 1', uptime: '100 seconds', 'bytes/received': 1000, 'messages/sent': 5 });
  assert.deepEqual([meter.version, meter.uptimeSeconds, meter.counter('bytesIn')], ['x 1', 100, 1000]);
  assert.equal(meter.rate('bytesIn'), undefined);
  said(meter, { uptime: '110 seconds', 'bytes/received': 3000 });
  assert.equal(meter.rate('bytesIn'), 200);
  // What did not change is not said again.
  assert.equal(meter.rate('packetsOut'), 0);
  said(meter, { uptime: '120 seconds' });
  assert.equal(meter.rate('bytesIn'), 0);
});

test('until a counter was seen twice the average of the server stands for its rate', () => {
  const meter = new SysMeter();
  said(meter, { uptime: '9 seconds', 'load/publish/received/1min': '120.00', 'publish/messages/received': 7 });
  assert.equal(meter.rate('publishesIn'), 2);
  said(meter, { uptime: '10 seconds', 'publish/messages/received': 8 });
  assert.equal(meter.rate('publishesIn'), 1);
});

test('a server that started anew has no rates from before', () => {
  const meter = new SysMeter();
  said(meter, { uptime: '100 seconds', 'bytes/sent': 1000 });
  said(meter, { uptime: '1 seconds', 'bytes/sent': 10 });
  assert.equal(meter.rate('bytesOut'), undefined);
  said(meter, { uptime: '2 seconds', 'bytes/sent': 30 });
  assert.equal(meter.rate('bytesOut'), 20);
});

test('only the uptime begins a new time, and settling twice is harmless', () => {
  const meter = new SysMeter();
  assert.equal(meter.take('$SYS/broker/uptime', Buffer.from('5 seconds')), true);
  assert.equal(meter.take('$SYS/broker/bytes/sent', Buffer.from('5')), false);
  meter.settle();
  said(meter, { uptime: '6 seconds', 'bytes/sent': 15 });
  meter.settle();
  assert.equal(meter.rate('bytesOut'), 10);
});

test('nonsense and other topics are nothing, and there is a bound', () => {
  const meter = new SysMeter();
  meter.take('$SYS/brokers/emqx/uptime', Buffer.from('5'));
  assert.deepEqual([meter.isKnown, meter.messages], [false, 1]);
  said(meter, { uptime: 'soon', 'clients/connected': '-3', 'clients/total': 'x' });
  assert.deepEqual(
    [meter.uptimeSeconds, meter.gauge('connected'), meter.gauge('sessions')],
    [undefined, undefined, undefined],
  );
  for (let count = 0; count < 2000; count++) meter.take(`$SYS/broker/x/${count}`, Buffer.from('1'));
  meter.take('$SYS/broker/clients/connected', Buffer.from('4'));
  assert.equal(meter.gauge('connected'), 4);
  meter.take('$SYS/broker/retained messages/count', Buffer.from('4'));
  assert.equal(meter.gauge('retained'), undefined);
});
