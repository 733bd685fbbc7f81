/** A short and always equal run of the fuzz targets; `npm run fuzz -- --minutes 10` goes on for longer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Session } from '../../packages/broker/src/session.ts';
import { fuzzConnections } from './connection-target.ts';
import { CORPUS } from './corpus.ts';
import { fuzzDecoder } from './decoder-target.ts';

const DECODER_SEEDS = 40;
const DECODER_CASES = 2000;
const CONNECTION_SEEDS = 25;
const CONNECTIONS = 200;

test('damaged packets decode to packets, to a wait for more bytes or to an MqttError, however they are cut', () => {
  assert.ok(CORPUS.length > 100);
  for (let seed = 1; seed <= DECODER_SEEDS; seed++) assert.equal(fuzzDecoder(seed, DECODER_CASES), undefined);
});

test('damaged bytes on a connection end that connection at the most, and leave nothing behind', async () => {
  for (let seed = 1; seed <= CONNECTION_SEEDS; seed++)
    assert.equal(await fuzzConnections(seed, CONNECTIONS), undefined);
});

test('a broker that throws on a rare message is found out', async () => {
  const { pubrec } = Session.prototype;
  Session.prototype.pubrec = function (packetId, reasonCode) {
    if (reasonCode === 0x97) throw new Error('a fault put in on purpose');
    return pubrec.call(this, packetId, reasonCode);
  };
  try {
    let what: string | undefined;
    for (let seed = 1; seed <= CONNECTION_SEEDS && what === undefined; seed++)
      what = (await fuzzConnections(seed, CONNECTIONS))?.what;
    assert.match(String(what), /^internalError: Error: a fault put in on purpose/);
  } finally {
    Session.prototype.pubrec = pubrec;
  }
});
