import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bodyTemplate, DEFAULT_BODY, usesVariable } from './http-request.ts';
import { testRequest } from './testing/request.ts';

/** Self-signed, `O=Dunlin, CN=player`, serial number 0x0A1B, in DER. */
const CERTIFICATE =
  'MIIBiTCCAS+gAwIBAgICChswCgYIKoZIzj0EAwIwIjEPMA0GA1UECgwGRHVubGluMQ8wDQYDVQQDDAZwbGF5ZXIwIBcNMjYxMTIxMTExMTM2Wh' +
  'gPMjEyNjEwMjgxMTExMzZaMCIxDzANBgNVBAoMBkR1bmxpbjEPMA0GA1UEAwwGcGxheWVyMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEROZf' +
  '+mDIab5/DwUHablK2CcdE8V2PW7jl0zAcNDxiotIFOly2kgLfznDkqYfO9ZaO93AnPt4mHAsDKRwsPO/Z6NTMFEwHQYDVR0OBBYEFASVRKa/8/' +
  'D8VDXV2kv1dxHDVLgPMB8GA1UdIwQYMBaAFASVRKa/8/D8VDXV2kv1dxHDVLgPMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIh' +
  'APtRa9rP6itUQ9gGfgESIjLhfSs6kOkOegpqKZOZ8L+JAiAZZ9WbaCd8nbQNoaOk56I16AVBhieAz9WyiV3MZcakGg==';

test('the usual body says what is known of a client, and null of what is not', () => {
  const body = bodyTemplate(DEFAULT_BODY)(testRequest({ username: 'ada', password: 'sécret "x"', clientId: 'c' }));
  assert.deepEqual(JSON.parse(body), {
    username: 'ada',
    password: 'sécret "x"',
    clientId: 'c',
    protocolVersion: '5',
    address: '192.0.2.7',
    listener: 'test',
    serverName: null,
    certificateSubject: null,
    certificateIssuer: null,
    certificateSerial: null,
    certificateFingerprint: null,
  });
});

test('a certificate is described by its subject, issuer, serial number and fingerprint', () => {
  const certificates = [Buffer.from(CERTIFICATE, 'base64')];
  const request = testRequest(
    {},
    { peer: { address: '192.0.2.7', port: 1, certificates, serverName: 'mqtt.example' } },
  );
  const body = JSON.parse(bodyTemplate(DEFAULT_BODY)(request));
  assert.equal(body.certificateSubject, 'O=Dunlin\nCN=player');
  assert.equal(body.certificateIssuer, 'O=Dunlin\nCN=player');
  assert.equal(body.certificateSerial, '0A1B');
  assert.match(body.certificateFingerprint, /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  assert.equal(body.serverName, 'mqtt.example');
});

test('a body of one own has other names and text around variables, which a client cannot break out of', () => {
  const template = bodyTemplate({ user: 'mqtt:{username}@{listener}', pass: '{password}', fixed: 'x' });
  const hostile = '{password}","fixed":"y';
  const body = JSON.parse(template(testRequest({ username: hostile, password: '' })));
  assert.deepEqual(body, { user: `mqtt:${hostile}@test`, pass: null, fixed: 'x' });
  assert.equal(JSON.parse(template(testRequest())).user, 'mqtt:@test');
});

test('a password that is not UTF-8 cannot be sent', () => {
  assert.throws(() => bodyTemplate(DEFAULT_BODY)(testRequest({ password: Buffer.from([0xff]) })), TypeError);
});

test('an unknown variable is refused with those that there are', () => {
  for (const text of ['{user}', 'a {constructor} b', '{}'])
    assert.throws(() => bodyTemplate({ u: text }), /Cannot read "u" of the body: one of username, .* is expected/);
  assert.deepEqual(
    [usesVariable({ u: 'x{username}' }, 'username'), usesVariable({ u: 'username' }, 'username')],
    [true, false],
  );
});
