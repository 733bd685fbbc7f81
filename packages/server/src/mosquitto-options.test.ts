import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { CONFIGURATION } from './configuration-table.ts';
import { MOSQUITTO_OPTIONS, mosquittoOption } from './mosquitto-options.ts';
import type { Shape } from './shape.ts';

const MANUAL = '/usr/share/man/man5/mosquitto.conf.5.gz';

/** The names that the manual explains, each a paragraph with an indented text below. */
function namesOfManual(): string[] {
  const text = gunzipSync(readFileSync(MANUAL)).toString().replaceAll('\\&', '');
  return [...text.matchAll(/^\.PP\n((?:\\fB[\w.*]+\\fR.*))\n\.RS 4/gm)].flatMap(([, line]) =>
    [...line.matchAll(/\\fB([a-z][\w.]*\*?)\\fR/g)].map(([, name]) => name.replace('*', 'x')),
  );
}

test('knows every option of the manual that is installed', {
  skip: existsSync(MANUAL) ? false : 'the manual of Mosquitto is not installed',
}, () => {
  const names = namesOfManual();
  for (const one of ['acl_file', 'ciphers_tls1.3', 'use_subject_as_username', 'auth_opt_x', 'topic', 'addresses'])
    assert.ok(names.includes(one), `the manual was read wrongly, it has no ${one}`);
  assert.deepEqual(
    names.filter((name) => mosquittoOption(name) === undefined),
    [],
  );
});

test('knows the options that Mosquitto 2.1 brought', () => {
  const names = ['accept_protocol_versions', 'global_max_clients', 'listener_allow_anonymous', 'plugin_load'];
  for (const name of [...names, 'enable_proxy_protocol', 'websockets_origin', 'plugin_opt_config_file'])
    assert.ok(mosquittoOption(name), name);
  assert.equal(mosquittoOption('constructor'), undefined);
});

test('carries options to keys that there are', () => {
  for (const [name, { fate }] of MOSQUITTO_OPTIONS) {
    if (!('key' in fate)) continue;
    let shape: Shape | undefined = CONFIGURATION;
    for (const step of fate.key.split('.')) {
      shape = shape?.kind === 'group' ? shape.entries[step.replace('[]', '')] : undefined;
      if (step.endsWith('[]') && shape?.kind === 'list') shape = shape.items;
    }
    assert.ok(shape, `${name} goes to ${fate.key}`);
  }
});

const BROKER = '/usr/sbin/mosquitto';

/** What the broker that is installed says of a configuration which it refuses. */
function refusalOf(folder: string, ...lines: string[]): string {
  const file = join(folder, 'm.conf');
  writeFileSync(file, ['per_listener_settings true', 'listener 1 127.0.0.1', ...lines, ''].join('\n'));
  return spawnSync(BROKER, ['-c', file], { encoding: 'utf8', timeout: 10_000 }).stderr;
}

test('knows what Mosquitto itself takes once, and which numbers', {
  skip: existsSync(BROKER) ? false : 'Mosquitto is not installed',
}, () => {
  const folder = mkdtempSync(join(tmpdir(), 'dunlin-mosquitto-options-'));
  try {
    for (const [name, { isOnce, range }] of MOSQUITTO_OPTIONS) {
      const value = { tls_version: 'tlsv1.2', bind_address: 'localhost' }[name] ?? '/dev/null';
      if (isOnce)
        assert.match(refusalOf(folder, `${name} ${value}`, `${name} ${value}`), /Duplicate .* value|unknown/i, name);
      if (range === undefined || name === 'maximum_qos') continue;
      for (const wrong of [range.least - 1, ...(range.most === 0x7fffffff ? [] : [range.most + 1])])
        if (wrong !== -1 || name === 'memory_limit')
          assert.match(refusalOf(folder, `${name} ${wrong}`), /found at .*m\.conf:3/, `${name} ${wrong}`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
