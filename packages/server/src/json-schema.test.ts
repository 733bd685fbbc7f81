import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { LIMITS } from '@dunlin/broker';
import { configurationSchema, configurationSchemaText } from './json-schema.ts';

test('is published as configuration.schema.json (npm run reference writes it)', () => {
  const published = readFileSync(new URL('../configuration.schema.json', import.meta.url), 'utf8');
  assert.equal(published, configurationSchemaText());
});

test('is the JSON of the schema', () => {
  assert.deepEqual(JSON.parse(configurationSchemaText()), JSON.parse(JSON.stringify(configurationSchema())));
});

test('holds every limit with its bounds, and nothing unknown may stand beside them', () => {
  const schema = configurationSchema() as {
    additionalProperties: boolean;
    properties: { limits: { properties: Record<string, { default: number }>; additionalProperties: boolean } };
  };
  const { limits } = schema.properties;
  assert.deepEqual(Object.keys(limits.properties), Object.keys(LIMITS));
  assert.equal(limits.properties.receiveMaximum.default, LIMITS.receiveMaximum.default);
  assert.equal(schema.additionalProperties, false);
  assert.equal(limits.additionalProperties, false);
});

test('lets sizes and times be written with a suffix', () => {
  const { properties } = configurationSchema() as {
    properties: Record<string, { properties: Record<string, { anyOf: [unknown, { pattern: string }] }> }>;
  };
  const size = new RegExp(properties.limits.properties.maximumPacketSize.anyOf[1].pattern);
  const time = new RegExp(properties.limits.properties.connectTimeoutMs.anyOf[1].pattern);
  for (const text of ['4MiB', '4 MiB', '512', '1.5kB', '1_000B']) assert.match(text, size);
  for (const text of ['10s', '1min', '250ms', '5']) assert.match(text, time);
  assert.doesNotMatch('10s', size);
  assert.doesNotMatch('4MiB', time);
});

test('has lists on one line where they fit into 120 characters', () => {
  const text = configurationSchemaText();
  assert.match(text, /"enum": \["debug", "info", "warn", "error"\]/);
  assert.match(text, /"enum": \[\n +"HS256",\n/);
});
