import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { deviceDirectory, dunlinAt, dunlinByUrl, startDevices } from '../contract/device-server.ts';
import { RecordedTerminal } from '../contract/recorded-terminal.ts';
import { run } from '../tool.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dunlin-cli-transfer-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

const HEADER = 'id,type,attr.thing,attr.space,token\n';
const rows = (count: number) => Array.from({ length: count }, (_, at) => `c${at},camera,t${at},s1,\n`);

test('a file larger than a request may be is imported, with the lines of its faults, and the same again changes nothing', async () => {
  const directory = deviceDirectory();
  await using server = await startDevices(directory);
  const file = join(scratch, 'fleet.csv');
  const fault = 'bad/id,camera,t,s1,\n';
  const filler = `${'x'.repeat(1_000)}\n`;
  const many = rows(1_200).map((row) =>
    row.replace(',s1,', `,s1,`).replace(/^(c\d+),camera,(t\d+)/, `$1,camera,$2${filler.trim()}`),
  );
  writeFileSync(file, [HEADER, ...many, fault].join(''));
  const dry = await dunlinAt(directory)('device', 'import', file, '--dry-run');
  assert.equal(dry.exitCode, 4);
  assert.match(
    dry.out,
    /^Nothing was done\. It would be: 1200 added, 0 changed, 0 as they were\.\nLeft out: 1\.\n {2}.*fleet\.csv:1202: /,
  );
  const byUrl = await dunlinByUrl(server);
  assert.match((await byUrl('device', 'import', file)).out, /^Devices: 1200 added, 0 changed, 0 as they were\.\n/);
  assert.match(
    (await dunlinAt(directory)('device', 'import', file)).out,
    /^Devices: 0 added, 0 changed, 1200 as they were\./,
  );

  const exported = await byUrl('device', 'export', '--prefix', 'c1');
  const devices = JSON.parse(exported.out);
  assert.equal(devices.length, rows(1_200).filter((row) => row.startsWith('c1')).length);
  const all = await dunlinAt(directory)('device', 'export', '--format', 'csv');
  assert.equal(all.out.trimEnd().split('\r\n').length, 1_201);
  const some = await byUrl('device', 'list', '--limit', '3');
  assert.match(some.err, /^There are more: --limit/);
});

test('tokens that somebody can guess are taken, and warned of without being shown', async () => {
  const directory = deviceDirectory();
  await using _ = await startDevices(directory);
  const file = join(scratch, 'weak.csv');
  writeFileSync(file, `${HEADER}c1,camera,t1,s1,s3cret\nc2,camera,t2,s1,\n`);
  const { out, err, exitCode } = await dunlinAt(directory)('device', 'import', file);
  assert.match(out, /^Devices: 2 added, .*, 1 token\.\nWarning: 1 of the tokens in the file are below 16 bytes, /);
  assert.doesNotMatch(out + err, /s3cret/);
  assert.equal(exitCode, 0);
});

test('JSON comes from the input too, with tokens', async () => {
  const directory = deviceDirectory();
  await using _ = await startDevices(directory);
  const config = join(directory, 'dunlin.yaml');
  const device = {
    id: 'c1',
    type: 'camera',
    attributes: { thing: 't', space: 's' },
    token: '9f1c7a52-6f0e-4f5c-9d4b-1f6f2b0c8a11',
  };
  const terminal = new RecordedTerminal([JSON.stringify(device), '\n{"id":']);
  assert.equal(await run(['device', 'import', '-', '--config', config], terminal), 4);
  assert.equal(
    terminal.out,
    'Devices: 1 added, 0 changed, 0 as they were, 1 token.\nLeft out: 1.\n  -:2: it is no JSON, which is expected\n',
  );
});

test('what comes from the input is JSON or CSV by how it begins, unless the format is said', async () => {
  const directory = deviceDirectory();
  await using _ = await startDevices(directory);
  const config = join(directory, 'dunlin.yaml');
  const read = async (pieces: string[], ...more: string[]) => {
    const terminal = new RecordedTerminal(pieces);
    const exitCode = await run(['device', 'import', '-', '--dry-run', '--config', config, ...more], terminal);
    return [exitCode, terminal.out.split('\n')[0]];
  };
  const added = [0, 'Nothing was done. It would be: 1 added, 0 changed, 0 as they were.'];
  assert.deepEqual(await read(['\ufeff', 'i', 'd,type\nl1,lamp\n']), added);
  assert.deepEqual(await read(['\ufeff \n', ' [{"id":"l1",', '"type":"lamp"}]']), added);
  assert.deepEqual(await read(['{"id":"l1","type":"lamp"}'], '--format', 'json'), added);
  assert.equal((await read(['id,type\nl1,lamp\n'], '--format', 'json'))[0], 4);
  assert.deepEqual(await read([]), [0, 'Nothing was done. It would be: 0 added, 0 changed, 0 as they were.']);
});

test('a file that cannot be read, or is none of devices, is told of', async () => {
  const directory = deviceDirectory();
  await using _ = await startDevices(directory);
  const dunlin = dunlinAt(directory);
  const none = await dunlin('device', 'import', join(scratch, 'none.csv'));
  assert.equal(none.exitCode, 3);
  assert.match(
    none.err,
    /^dunlin device: Cannot read the devices of .*none\.csv: no such file or directory \(ENOENT\)\n$/,
  );
  const file = join(scratch, 'other.csv');
  writeFileSync(file, 'a,b\n1,2\n');
  const other = await dunlin('device', 'import', file);
  assert.equal(other.exitCode, 1);
  assert.match(other.err, /the column "a" is unknown/);
  writeFileSync(file, Buffer.from([0x69, 0x64, 0x0a, 0xff]));
  assert.match((await dunlin('device', 'import', file)).err, /is no UTF-8, which is expected/);
});
