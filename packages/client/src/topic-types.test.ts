/** What the compiler says of templates and typed topics; the type check runs these, and every line marked must fail there. */

import { test } from 'node:test';
import * as v from 'valibot';
import { z } from 'zod';
import type { Client, TemplateParams } from './index.ts';
import { defineTopics, TopicTemplate, type TypedClient } from './typed-topics.ts';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function expectSame<A, B>(..._same: Same<A, B> extends true ? [] : [never]): void {}

const schemas = {
  'player/{key}/status': z.object({ online: z.boolean(), volume: z.string().transform(Number) }),
  'log/{level}': v.pipe(v.string(), v.trim()),
  'player/{key}/request/{id}': {
    request: z.object({ action: z.enum(['play', 'stop']) }),
    response: v.object({ playing: v.boolean() }),
    responseTopic: 'player/{key}/response/{id}',
  },
} as const;

test('the parameters of a template are known to the compiler', () => {
  expectSame<TemplateParams<'player/{key}/request/{id}'>, { readonly key: string; readonly id: string }>();
  expectSame<TemplateParams<string>, Readonly<Record<string, string>>>();
  expectSame<keyof TemplateParams<'plain/topic'>, never>();
  const template = new TopicTemplate('player/{key}/status');
  template.fill({ key: '42' });
  template.filter();
  expectSame<ReturnType<typeof template.match>, { readonly key: string } | undefined>();
  // @ts-expect-error a parameter is missing
  const missing = (): string => template.fill({});
  // @ts-expect-error a parameter is misspelt
  const misspelt = (): string => template.filter({ kye: '42' });
  void [missing, misspelt];
});

/** Never called: the compiler alone reads it. */
export async function requests(client: Client): Promise<void> {
  await client.request('player/{key}/request/{id}', '', { params: { key: '42' }, responseTopic: 'r/{id}' });
  await client.request('plain', '');
  client.respond('player/{key}/request/{id}', (_, params) => {
    expectSame<typeof params, { readonly key: string; readonly id: string }>();
    return params.key;
  });
  // @ts-expect-error the identifier is not the caller's
  await client.request('player/{key}/request/{id}', '', { params: { key: '42', id: '1' } });
  // @ts-expect-error the handler gives no payload
  client.respond('plain', () => 5n);
}

/** Never called: the compiler alone reads it. */
export async function typedTopics(typed: TypedClient<typeof schemas>): Promise<void> {
  await typed.publish('player/{key}/status', { key: '42' }, { online: true, volume: '3' });
  await typed.subscribe('log/{level}', {}, {}, ({ params, value }) => {
    expectSame<typeof params, { readonly level: string }>();
    expectSame<typeof value, string>();
  });
  for await (const { params, value } of typed.subscribe('player/{key}/status', { key: '42' })) {
    expectSame<typeof params.key, string>();
    expectSame<typeof value, { online: boolean; volume: number }>();
  }
  const answer = await typed.request('player/{key}/request/{id}', { key: '42' }, { action: 'play' });
  expectSame<typeof answer, { playing: boolean }>();
  await typed.respond('player/{key}/request/{id}', {}, async ({ params, value }) => {
    expectSame<typeof params, { readonly key: string; readonly id: string }>();
    expectSame<typeof value, { action: 'play' | 'stop' }>();
    return { playing: value.action === 'play' };
  });
  // @ts-expect-error no such topic
  await typed.publish('player/{key}/state', { key: '42' }, {});
  // @ts-expect-error a parameter is missing
  await typed.publish('player/{key}/status', {}, { online: true, volume: '3' });
  // @ts-expect-error the schema takes a text and gives a number
  await typed.publish('player/{key}/status', { key: '42' }, { online: true, volume: 3 });
  // @ts-expect-error this is a topic for requests
  await typed.publish('player/{key}/request/{id}', { key: '42', id: '1' }, { action: 'play' });
  // @ts-expect-error this is no topic for requests
  await typed.request('log/{level}', { level: 'info' }, '');
  // @ts-expect-error no such parameter
  typed.subscribe('log/{level}', { key: '42' });
  // @ts-expect-error the answer is of another type
  typed.respond('player/{key}/request/{id}', {}, () => ({ playing: 'yes' }));
}

test('the topics that are defined are those of the compiler', () => {
  const topics = defineTopics(schemas);
  expectSame<ReturnType<typeof topics.with>, TypedClient<typeof schemas>>();
  // @ts-expect-error a schema is expected
  const noSchema = () => defineTopics({ 'a/{b}': 42 });
  // @ts-expect-error a request has two schemas
  const half = () => defineTopics({ 'a/{b}': { request: z.string() } });
  void [noSchema, half];
});
