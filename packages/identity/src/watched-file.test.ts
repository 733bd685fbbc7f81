import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { TestClock } from './testing/clock.ts';
import { WatchedFiles } from './watched-file.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dunlin-watch-'));
const opened: WatchedFiles[] = [];
let directories = 0;

after(() => {
  for (const watched of opened) watched.close();
  rmSync(scratch, { recursive: true, force: true });
});

function newDirectory(): string {
  directories += 1;
  const path = join(scratch, String(directories));
  mkdirSync(path);
  return path;
}

/** Watches with a clock that only the test turns; `told` is what the first file held at each call. */
function watching(...paths: string[]) {
  const clock = new TestClock(0);
  const told: string[] = [];
  const changed = () => void told.push(readFileSync(paths[0], 'utf8'));
  opened.push(new WatchedFiles({ paths, clock, changed, settleMs: 100, pollMs: 1000 }));
  return { clock, told };
}

/** Replaces the one file of `path` by renaming, as editors and programs do. */
function rename(path: string, text: string): void {
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

const ways: readonly (readonly [string, (directory: string) => (text: string) => void])[] = [
  ['written in place', (directory) => (text) => writeFileSync(join(directory, 'a.pem'), text)],
  ['renamed into place', (directory) => (text) => rename(join(directory, 'a.pem'), text)],
  [
    'renamed away, then written anew (an editor that keeps a backup)',
    (directory) => (text) => {
      renameSync(join(directory, 'a.pem'), join(directory, 'a.pem~'));
      writeFileSync(join(directory, 'a.pem'), text);
    },
  ],
  [
    'a link to another file (certbot)',
    (directory) => {
      let version = 1;
      return (text) => {
        version += 1;
        writeFileSync(join(directory, `archive${version}.pem`), text);
        symlinkSync(`archive${version}.pem`, join(directory, 'link.new'));
        renameSync(join(directory, 'link.new'), join(directory, 'a.pem'));
      };
    },
  ],
  [
    'a link of the directory, turned around (Kubernetes)',
    (directory) => {
      let version = 1;
      const publish = (text: string) => {
        version += 1;
        mkdirSync(join(directory, `..v${version}`));
        writeFileSync(join(directory, `..v${version}`, 'a.pem'), text);
        symlinkSync(`..v${version}`, join(directory, '..data.new'));
        renameSync(join(directory, '..data.new'), join(directory, '..data'));
      };
      publish('first');
      unlinkSync(join(directory, 'a.pem'));
      symlinkSync('..data/a.pem', join(directory, 'a.pem'));
      return publish;
    },
  ],
  [
    'in a directory that is deleted and made anew',
    (directory) => (text) => {
      rmSync(directory, { recursive: true });
      mkdirSync(directory);
      writeFileSync(join(directory, 'a.pem'), text);
    },
  ],
];

for (const [title, prepare] of ways) {
  test(`tells once of a file that is replaced: ${title}`, () => {
    const directory = newDirectory();
    const path = join(directory, 'a.pem');
    writeFileSync(path, 'first');
    const replace = prepare(directory);
    const { clock, told } = watching(path);
    for (const text of ['second', 'third!']) {
      replace(text);
      clock.pass(1000);
      clock.pass(5000);
    }
    assert.deepEqual(told, ['second', 'third!']);
  });

  test(`hears of it without looking: ${title}`, async () => {
    const directory = newDirectory();
    const path = join(directory, 'a.pem');
    writeFileSync(path, 'first');
    const replace = prepare(directory);
    const clock = new TestClock(0);
    const told: string[] = [];
    opened.push(
      new WatchedFiles({ paths: [path], clock, changed: () => void told.push('told'), settleMs: 100, pollMs: 1e9 }),
    );
    const idle = clock.timers;
    replace('second');
    // The operating system tells when it likes; what is waited for is the timer that this starts.
    while (clock.timers === idle) await new Promise((resolve) => setTimeout(resolve, 5));
    clock.pass(1000);
    assert.deepEqual(told, ['told']);
  });
}

test('waits until files were left alone, and tells of certificate and key together', () => {
  const directory = newDirectory();
  const [certificate, key] = ['c.pem', 'k.pem'].map((name) => join(directory, name));
  writeFileSync(certificate, 'c1');
  writeFileSync(key, 'k1');
  const { clock, told } = watching(certificate, key);
  rename(certificate, 'c2');
  clock.pass(1050);
  rename(key, 'k2');
  clock.pass(50);
  assert.deepEqual(told, []);
  clock.pass(200);
  assert.deepEqual(told, ['c2']);
});

test('tells nothing of a file that is gone or empty, and of one that is there again only if it is another', () => {
  const directory = newDirectory();
  const path = join(directory, 'a.pem');
  writeFileSync(path, 'first');
  const { clock, told } = watching(path);
  unlinkSync(path);
  clock.pass(3000);
  writeFileSync(path, '');
  clock.pass(3000);
  writeFileSync(path, 'first');
  clock.pass(3000);
  utimesSync(path, 1, 1);
  clock.pass(3000);
  assert.deepEqual(told, []);
  writeFileSync(path, 'second');
  clock.pass(3000);
  assert.deepEqual(told, ['second']);
});

for (const [title, obstruct] of [
  ['a loop of links', (directory: string) => symlinkSync(directory, directory)],
  [
    'below a file',
    (directory: string) => {
      rmSync(join(directory, '..'), { recursive: true });
      writeFileSync(join(directory, '..'), '');
    },
  ],
] as const) {
  test(`a directory that cannot be looked at counts as missing until it can be again: ${title}`, () => {
    const directory = join(newDirectory(), 'folder');
    const path = join(directory, 'a.pem');
    mkdirSync(directory);
    writeFileSync(path, 'first');
    const { clock, told } = watching(path);
    rmSync(directory, { recursive: true });
    obstruct(directory);
    clock.pass(3000);
    assert.deepEqual(told, []);
    rmSync(title === 'below a file' ? join(directory, '..') : directory);
    mkdirSync(directory, { recursive: true });
    writeFileSync(path, 'second');
    clock.pass(3000);
    assert.deepEqual(told, ['second']);
  });
}

test('a file that stays missing or empty is told once, and that it is there again, be it the same', () => {
  const path = join(newDirectory(), 'a.pem');
  writeFileSync(path, 'first');
  const clock = new TestClock(0);
  const told: string[] = [];
  const changed = () => void told.push('changed');
  const missing = (fault: string) => void told.push(fault);
  opened.push(
    new WatchedFiles({ paths: [path], clock, changed, missing, settleMs: 100, pollMs: 1000, missingMs: 5000 }),
  );
  unlinkSync(path);
  clock.pass(4000);
  assert.deepEqual(told, []);
  clock.pass(30_000);
  assert.deepEqual(told, [`Cannot read "${path}": there is no such file`]);
  writeFileSync(path, 'first');
  clock.pass(3000);
  assert.deepEqual(told.splice(0).slice(1), ['changed']);

  unlinkSync(path);
  clock.pass(3000);
  writeFileSync(path, 'first');
  clock.pass(30_000);
  assert.deepEqual(told, [], 'it was back in time');

  writeFileSync(path, '');
  clock.pass(30_000);
  assert.deepEqual(told, [`Cannot use "${path}": it is empty`]);
});

test('tells nothing after it was closed, and lets the process end', () => {
  const directory = newDirectory();
  const path = join(directory, 'a.pem');
  writeFileSync(path, 'first');
  const clock = new TestClock(0);
  const watched = new WatchedFiles({ paths: [path], clock, changed: () => assert.fail('told'), pollMs: 1000 });
  writeFileSync(path, 'second');
  clock.pass(1000);
  watched.close();
  assert.equal(clock.timers, 0);
  clock.pass(5000);

  const program = `
    const { WatchedFiles } = await import(${JSON.stringify(new URL('./watched-file.ts', import.meta.url).href)});
    const clock = { every: (ms, run) => { const timer = setInterval(run, ms).unref(); return { cancel: () => clearInterval(timer) }; } };
    new WatchedFiles({ paths: [${JSON.stringify(path)}], clock, changed() {} });`;
  const run = spawnSync(process.execPath, ['--conditions=@dunlin/source', '--input-type=module', '-e', program], {
    timeout: 30_000,
  });
  assert.equal(run.status, 0, run.stderr.toString());
});
