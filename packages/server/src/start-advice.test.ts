import assert from 'node:assert/strict';
import { test } from 'node:test';
import { completeConfiguration } from './configuration.ts';
import { ServerStartError } from './listening.ts';
import { startAdvice } from './start-advice.ts';

const configuration = completeConfiguration({
  listeners: [{}, { host: '0.0.0.0', port: 18_830 }, { transport: 'unix', path: 'a' }],
});

function advice(code: string, listener: string, file?: string): string | undefined {
  const event = process.env.npm_lifecycle_event;
  delete process.env.npm_lifecycle_event;
  try {
    return startAdvice(new ServerStartError(code, '', { listener }), configuration, file);
  } finally {
    if (event !== undefined) process.env.npm_lifecycle_event = event;
  }
}

test('names the flag for the first listener, and the file too where there is one', () => {
  assert.equal(advice('EADDRINUSE', 'tcp'), 'Stop the other program, or take another port: dunlin serve --port 18830');
  assert.equal(
    advice('EADDRINUSE', 'tcp', 'a.yaml'),
    'Stop the other program, or take another port: "port: 18830" in listeners[0] of "a.yaml", or the flag --port 18830',
  );
});

test('names no flag for another listener, which no flag reaches, and a port that is not the one it has', () => {
  assert.equal(
    advice('EADDRINUSE', 'tcp-2', 'a.yaml'),
    'Stop the other program, or take another port: "port: 18831" in listeners[1] of "a.yaml"',
  );
  assert.equal(
    advice('listener-open-to-all', 'tcp-2', 'a.yaml'),
    'Listen on this machine alone: "host: localhost" in listeners[1] of "a.yaml"\n' +
      'Or ask everybody who they are: "authentication: [{ method: passwordFile, file: passwords }]" in "a.yaml"; ' +
      '"dunlin passwd -c passwords USER" makes such a file\n' +
      'Or say that everybody is welcome: "allowAnonymous: true" in listeners[1] of "a.yaml"',
  );
});

test('without a file, points to the command that makes one', () => {
  assert.match(
    advice('listener-open-to-all', 'tcp') ?? '',
    /\nOr ask everybody .*: "dunlin init DIR" makes a configuration/,
  );
});

test('speaks of the path of a Unix socket, never of a port', () => {
  for (const [code, what] of [
    ['EADDRINUSE', 'Stop the other program'],
    ['EEXIST', 'Remove the file if nobody needs it'],
    ['EACCES', 'Make the folder, give this user the right to write to it'],
  ])
    assert.equal(advice(code, 'unix-3', 'a.yaml'), `${what}, or take another path: "path" in listeners[2] of "a.yaml"`);
});

test('has no advice for what it does not know', () => {
  assert.equal(advice('EIO', 'tcp'), undefined);
  assert.equal(advice('EADDRINUSE', 'unknown'), undefined);
});
