import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfiguration } from './configuration-file.ts';
import { importMosquitto } from './mosquitto-import.ts';

function imported(...lines: string[]) {
  const { yaml, remarks } = importMosquitto(lines.join('\n'), 'm.conf');
  return { log: parseConfiguration(yaml, 'd').log ?? {}, remarks: remarks.map(({ kind, text }) => `${kind} ${text}`) };
}

test('carries the places of the log, a file with blanks in its name too', () => {
  assert.deepEqual(imported('log_dest stderr').log, {});
  assert.deepEqual(imported('log_dest stdout').log, { to: ['stdout'] });
  const { log } = imported('log_dest syslog', 'log_dest file /var/log/the log', 'log_dest syslog');
  assert.deepEqual(log, { to: ['syslog', 'file'], file: '/var/log/the log' });
  assert.throws(() => imported('log_dest file'), /the path of a file behind "file" is expected/);
});

test('tells of places that there are not', () => {
  for (const place of ['topic', 'dlt', 'none']) {
    const { log, remarks } = imported('log_dest stdout', `log_dest ${place}`);
    assert.deepEqual(log, place === 'none' ? {} : { to: ['stdout'] });
    assert.match(remarks.join(), /^lost log_dest is not carried: /);
  }
});

test('takes the least level of all types', () => {
  assert.deepEqual(imported('log_type warning', 'log_type error').log, { level: 'warn' });
  assert.deepEqual(imported('log_type error', 'log_type subscribe').log, { level: 'info' });
  assert.deepEqual(imported('log_type all').log, { level: 'debug' });
  const { log, remarks } = imported('log_type all', 'log_type none');
  assert.deepEqual([log, remarks], [{ level: 'error' }, ['lost log_type is not carried: errors are logged still']]);
});
