import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { mock, test } from 'node:test';
import { BodyProgress } from './body-progress.ts';

class Request extends EventEmitter {
  readonly headers: Record<string, string>;
  readonly socket = { bytesRead: 100 };
  complete = false;
  readableLength = 0;

  constructor(headers: Record<string, string> = { 'content-length': '1000000' }) {
    super();
    this.headers = headers;
  }
}

const response = {} as ServerResponse;

function watched(t: { after(end: () => void): void }) {
  mock.timers.enable({ apis: ['setInterval'] });
  t.after(() => mock.timers.reset());
  const cut: Request[] = [];
  const progress = new BodyProgress(10_000, (request) => cut.push(request as unknown as Request));
  const begin = (request: Request): Request => {
    progress.begin(request as unknown as IncomingMessage, response);
    return request;
  };
  const pass = (seconds: number, each: () => void = () => {}): void => {
    for (let second = 0; second < seconds; second += 1) {
      each();
      mock.timers.tick(1_000);
    }
  };
  return { cut, progress, begin, pass };
}

test('a body that brings nothing is cut when its time is over', (t) => {
  const { cut, begin, pass } = watched(t);
  const request = begin(new Request({ 'transfer-encoding': 'chunked' }));
  pass(10);
  assert.deepEqual(cut, []);
  pass(1);
  assert.deepEqual(cut, [request]);
  pass(20);
  assert.equal(cut.length, 1);
});

test('a body that goes on has all the time that it takes, one that drips has not', (t) => {
  const { cut, begin, pass } = watched(t);
  const steady = begin(new Request());
  const dripping = begin(new Request());
  pass(60, () => {
    steady.socket.bytesRead += 16 * 1024;
    dripping.socket.bytesRead += 10;
  });
  assert.deepEqual(cut, [dripping]);
  pass(11);
  assert.deepEqual(cut, [dripping, steady]);
});

test('while the server does not read, no time passes', (t) => {
  const { cut, begin, pass } = watched(t);
  const request = begin(new Request());
  request.readableLength = 1;
  pass(60);
  assert.deepEqual(cut, []);
  request.readableLength = 0;
  pass(11);
  assert.deepEqual(cut, [request]);
});

test('what is whole, over or without a body is not looked at', (t) => {
  const { cut, progress, begin, pass } = watched(t);
  begin(new Request({}));
  begin(new Request({ 'content-length': '0' }));
  begin(Object.assign(new Request(), { complete: true }));
  const later = begin(new Request());
  begin(new Request()).emit('close');
  later.complete = true;
  pass(20);
  begin(new Request());
  progress.close();
  pass(20);
  assert.deepEqual(cut, []);
});
