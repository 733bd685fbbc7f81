import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listenAtPort, shownPlace, tellAcceptErrors } from './server-socket.ts';

test('a place is shown with brackets around an IPv6 address', () => {
  assert.equal(shownPlace('::1', 1883), '"[::1]:1883"');
  assert.equal(shownPlace('localhost', 1883), '"localhost:1883"');
});

test('a failure to accept is told in the words of a TransportError', async () => {
  const server = await listenAtPort({ host: '127.0.0.1', port: 0, backlog: 1 });
  const errors: Error[] = [];
  tellAcceptErrors(server, (error) => errors.push(error));
  server.emit('error', Object.assign(new Error('accept'), { code: 'EMFILE' }));
  assert.match(String(errors), /Cannot accept a connection: this process has no file descriptor left \(EMFILE\)/);
  server.close();
});
