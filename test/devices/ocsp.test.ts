/** OCSP over HTTP, as programs ask it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ocspRequest } from '../../packages/devices/src/authority/testing/fleet.ts';
import { FleetServer, fleetFiles } from './fleet-server.ts';

const directory = mkdtempSync(join(tmpdir(), 'dunlin-ocsp-'));
after(() => rmSync(directory, { recursive: true }));

/** A GET whose path goes out as it is. */
async function get(port: number, path: string) {
  const asked = request({ host: '127.0.0.1', port, path, agent: false }).end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk);
  return { status: answer.statusCode, headers: answer.headers, body: Buffer.concat(chunks) };
}

test('OCSP is answered to a GET, however its Base64 stands in the path (RFC 6960, A.1)', async () => {
  const server = await FleetServer.start(fleetFiles(directory));
  const port = server.guarded.port('web');
  const issuer = (await get(port, '/api/v1/ca')).body.toString();
  // 0xFF becomes a slash, and so many of them several together.
  const asked = ocspRequest({ serials: ['7FFFFFFFFFFFFFFFFFFFFF'], issuer }).toString('base64');
  assert.match(asked, /\/\//);
  for (const path of [asked, encodeURIComponent(asked), asked.replaceAll('/', '%2f'), asked.replace(/=+$/, '')]) {
    const { status, headers, body } = await get(port, `/ocsp/${path}`);
    assert.deepEqual([status, headers['content-type']], [200, 'application/ocsp-response']);
    assert.equal(headers['cache-control'], 'max-age=3600, public, no-transform, must-revalidate');
    // OCSPResponse: SEQUENCE of more than 255 bytes, ENUMERATED successful.
    assert.equal(body.subarray(4, 7).toString('hex'), '0a0100', path);
  }
  assert.equal((await get(port, `/ocsp/${'A'.repeat(1_401)}`)).status, 400);
});
