import assert from 'node:assert/strict';
import { test } from 'node:test';
import { route } from './api-route.ts';
import { routesAt } from './known-paths.ts';

const routes = [
  { method: 'GET', path: '/a' },
  { method: 'POST', path: '/a' },
  { method: 'GET', path: '/a/{id}/b' },
  { method: 'GET', path: '/rest/{all}', takesRest: true },
].map((one) =>
  route({ ...one, summary: '', tag: '', scope: 'any', handle: () => ({}) } as Parameters<typeof route>[0]),
);
const at = (url: string) => routesAt(routes, url).map(({ method, path }) => `${method} ${path}`);

test('all routes of a path are found, whatever stands in its places', () => {
  assert.deepEqual(at('/a?b=/c'), ['GET /a', 'POST /a']);
  assert.deepEqual(at('/a/%2F/b'), ['GET /a/{id}/b']);
  assert.deepEqual(at('/rest/1/2/3'), ['GET /rest/{all}']);
});

test('nothing is at a path that is longer, shorter or empty in a place', () => {
  for (const url of ['/', '/a/', '/a/1', '/a//b', '/a/1/b/2', '/rest/', '/rest']) assert.deepEqual(at(url), [], url);
});
