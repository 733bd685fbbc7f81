/** The guide for those who come from MQTT.js names all that the type declarations of MQTT.js have. */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';

const library = new URL('../../node_modules/mqtt/build/', import.meta.url);
const declarations = await readFile(new URL('lib/client.d.ts', library), 'utf8');
const guide = await readFile(new URL('../../docs/guide/from-mqttjs.md', import.meta.url), 'utf8');

/** The sections of the guide under a heading of the second level, up to the next. */
function section(title: string): string {
  const text = guide.split(/^## /m).find((part) => part.startsWith(`${title}\n`));
  assert.ok(text !== undefined, title);
  return text;
}

/** The members of an interface or class that are there for everybody, without those that it inherits. */
function members(head: string, text = declarations): string[] {
  const body = new RegExp(`${head}[^{\\n]*\\{\\n([\\s\\S]*?)\\n\\}`).exec(text)?.[1];
  assert.ok(body !== undefined, head);
  const names = [...body.matchAll(/^ {4}(?:static |get )?(?!private )([A-Za-z]\w*)\??\s*[(:<]/gm)].map(
    ([, name]) => name,
  );
  return [...new Set(names)].filter((name) => name !== 'constructor');
}

/** A name in the first cell or cells of a table, or in the text: as code, with or without arguments. */
function isNamed(name: string, text: string): boolean {
  return new RegExp(`\`(?:MqttClient\\.)?${name}(?:\\([^\`]*)?\``).test(text);
}

function assertNamed(names: readonly string[], text: string, known: string): void {
  // What the declarations are read by still fits them.
  assert.ok(names.includes(known), `${known} is not among ${names.join(', ')}`);
  assert.deepEqual(
    names.filter((name) => !isNamed(name, text)),
    [],
  );
}

test('every option of a client is in the guide', () => {
  assertNamed(members('interface IClientOptions'), section('Connecting'), 'keepalive');
  assertNamed(members('interface ISecureClientOptions'), section('Connecting'), 'ALPNProtocols');
});

test('every option of publish, subscribe, unsubscribe and reconnect is in the guide', () => {
  const text = section('Options of publish, subscribe, unsubscribe');
  assertNamed(members('interface IClientPublishOptions'), text, 'cbStorePut');
  assertNamed(members('interface IClientSubscribeOptions'), text, 'rap');
  assertNamed(members('interface IClientSubscribeProperties'), text, 'properties');
  assertNamed(members('interface ISubscriptionRequest'), text, 'topic');
  assertNamed(members('type ISubscriptionMap = \\{[\\s\\S]*?\\} & '), text, 'resubscribe');
  assertNamed(members('interface IClientUnsubscribeProperties'), text, 'properties');
  assertNamed(members('interface IClientReconnectOptions'), text, 'outgoingStore');
});

test('every method and property of a client, and what the module exports, is in the guide', async () => {
  const text = section('Methods and properties of the client');
  assertNamed(members('default class MqttClient'), text, 'handleMessage');
  const module = await readFile(new URL('mqtt.d.ts', library), 'utf8');
  const exported = /^export \{ (.*), \};$/m.exec(module)?.[1].split(', ') ?? [];
  const others = exported.filter((name) => !['connect', 'connectAsync', 'IStore'].includes(name));
  assertNamed([...others, 'Client', 'ReasonCodes'], text, 'UniqueMessageIdProvider');
});

test('every event is in the guide', () => {
  assertNamed(members('interface MqttClientEventCallbacks'), section('Events'), 'outgoingEmpty');
});
