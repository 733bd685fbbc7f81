import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readFlags } from '../flags.ts';
import { API_FLAGS, type ApiFlags, checkApiFlags } from './api-flags.ts';

function read(...argv: string[]): ApiFlags {
  const flags: ApiFlags = { json: false, plainHttp: false };
  readFlags('dunlin device', [{ title: '', flags: API_FLAGS }], argv, flags);
  checkApiFlags(flags);
  return flags;
}

test('a URL may have a path before the API', () => {
  assert.equal(read('--url', 'https://mqtt.example/iot/', '--cafile', 'ca.pem').url?.href, 'https://mqtt.example/iot/');
});

test('one server is meant, and no secret stands on the command line', () => {
  const wrong: [string[], RegExp][] = [
    [['--url', 'mqtt.example'], /Cannot use --url "mqtt.example": expected an address/],
    [['--url', 'mqtts://mqtt.example'], /expected an address such as https/],
    [['--url', 'https://a/?key=x'], /expected an address such as https/],
    [['--url', 'https://a', '--data', 'd'], /Cannot use --url with --data: one server is expected/],
    [['--url', 'https://a', '-c', 'd'], /Cannot use --url with --config/],
    [['--api-key-file', 'k'], /expected --url beside it/],
    [['--plain-http'], /expected --url beside it/],
  ];
  for (const [argv, message] of wrong) assert.throws(() => read(...argv), message);
  assert.throws(
    () => read('--url', 'https://user:s3cret@a'),
    (error: Error) => !error.message.includes('s3cret'),
  );
});
