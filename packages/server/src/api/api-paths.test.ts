import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isApiUrl } from './api-paths.ts';

test('the API has its own paths, and MQTT the others', () => {
  for (const url of [
    '/api',
    '/api/v1/devices?x=1',
    '/crl/devices.crl',
    '/ocsp',
    '/ocsp/MEU',
    '/claim',
    '/claim?code=1',
  ])
    assert.equal(isApiUrl(url), true, url);
  for (const url of ['/', '/mqtt', '/apis', '/mqtt/api', '*', '', '//api']) assert.equal(isApiUrl(url), false, url);
});
