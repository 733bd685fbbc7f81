import assert from 'node:assert/strict';
import * as net from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import type { ConfigurationInput } from '../configuration.ts';
import type { ServerEvent } from '../events.ts';
import { startServer } from '../server.ts';

const WRONG = `dk_0123456789abcdef_${'A'.repeat(43)}`;
const REQUESTS: readonly (readonly [what: string, head: string, refused: string, type: string])[] = [
  ['for what is not there', 'GET /api/v1/x HTTP/1.1\r\nHost: localhost', '401', 'application/problem+json'],
  ['whose path is malformed', 'GET /api/v1/%zz HTTP/1.1\r\nHost: localhost', '400', 'application/problem+json'],
  ['for the page', 'GET /claim HTTP/1.1\r\nHost: localhost', '200', 'text/html'],
  [
    'with a wrong key',
    `GET /api/v1/x HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${WRONG}`,
    '401',
    'application/problem+json',
  ],
];

for (const [what, head, status, type] of REQUESTS)
  test(`a stranger who sends a hundred requests ${what} at once is answered to its limit and once more`, async (t) => {
    const refusals: ServerEvent[] = [];
    const configuration: ConfigurationInput = {
      listeners: [{ name: 'web', transport: 'ws', port: 0, api: true }],
      authentication: [{ method: 'devices' }],
      devices: { types: { lamp: { credential: 'token', claimable: true } } },
      api: { strangerRequestsPerSecondMax: 1 },
    };
    const onEvent = (event: ServerEvent): void => {
      if (event.name === 'apiRefused' && event.code === 'too-many-requests') refusals.push(event);
    };
    const server = await startServer(configuration, { onEvent });
    t.after(() => server.stop());
    const socket = net.connect(server.listeners[0].port, '127.0.0.1').on('error', () => {});
    socket.write(`${head}\r\n\r\n`.repeat(100));
    const answers = (await text(socket)).split('HTTP/1.1 ').slice(1);
    const statuses = answers.map((answer) => answer.slice(0, 3));
    assert.ok(statuses.length >= 2 && statuses.length < 10, `${statuses.length} answers`);
    assert.deepEqual([statuses[0], statuses.at(-1)], [status, '429']);
    const last = answers.at(-1) as string;
    assert.match(last, /^connection: close\r$/im);
    assert.match(last, /^retry-after: 1\r$/im);
    assert.match(last, /^x-content-type-options: nosniff\r$/im);
    assert.ok(last.toLowerCase().includes(`content-type: ${type}`));
    assert.equal(refusals.length, 1);
  });
