/** What is published works where the repository is not: installed from the tarballs into an empty folder. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { type Manifest, pack } from '../../tools/pack.ts';
import { startLocalRegistry } from './local-registry.ts';
import { typeProjects } from './type-projects.ts';

const root = dirname(dirname(import.meta.dirname));
const patienceMs = 60_000;
/** As from a shell with Node 24: a run under "npm test" would pass on what npm set for its own children. */
const env = { PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}`, HOME: process.env.HOME };

const folder = mkdtempSync(join(tmpdir(), 'dunlin-installed-'));
const installed = join(folder, 'node_modules');
const dunlin = join(installed, '.bin', 'dunlin');
const started: ChildProcess[] = [];
let names: string[] = [];
const INSTALL = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-update-notifier'];

before(async () => {
  const tarballs = pack(root, join(folder, 'tarballs'));
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
  await install(join(root, 'node_modules'), ...tarballs);
  names = readdirSync(join(installed, '@dunlin')).sort();
});

after(() => {
  for (const child of started) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

test('every package of the repository is installed, with its licence and without sources and tests', () => {
  const published = manifests(join(root, 'packages')).filter((manifest) => manifest.private !== true);
  assert.deepEqual(
    names.map((name) => `@dunlin/${name}`),
    published.map(({ name }) => name).sort(),
  );
  for (const name of names) {
    const files = readdirSync(join(installed, '@dunlin', name), { recursive: true, encoding: 'utf8' });
    for (const file of ['LICENSE', 'README.md', 'dist/index.js', 'dist/index.js.map', 'dist/index.d.ts'])
      assert.ok(files.includes(file), `${name} has no ${file}`);
    const strange = /(?<!\.d)\.ts$|\.test\.|^src|tsbuildinfo$|\/testing\//;
    assert.deepEqual(
      files.filter((file) => strange.test(file)),
      [],
      name,
    );
    assert.equal(
      files.some((file) => file.includes('contract')),
      name === 'broker',
      `the contract suites of ${name}`,
    );
  }
  for (const manifest of manifests(join(installed, '@dunlin'))) {
    assert.deepEqual(manifest.engines, { node: '>=24' });
    assert.doesNotMatch(JSON.stringify(manifest), /@dunlin\/source|\/src\//);
  }
  assert.ok(readFileSync(join(installed, '@dunlin/server/configuration.schema.json'), 'utf8').includes('"listeners"'));
});

test('dunlin --help and --version work when installed', () => {
  assert.match(run(dunlin, '--help'), /^dunlin: an MQTT server, and a client for the command line\n/);
  const { version } = JSON.parse(readFileSync(join(installed, '@dunlin/cli/package.json'), 'utf8'));
  assert.equal(run(dunlin, '--version'), `dunlin ${version}\n`);
  assert.match(run(dunlin, 'serve', '--help'), /^dunlin serve: /);
});

test('an installation for the whole machine has its command below the prefix, and serves from there', async () => {
  const prefix = join(folder, 'prefix');
  await install(installed, '--global', '--prefix', prefix, '@dunlin/cli');
  const command = join(prefix, 'bin', 'dunlin');
  assert.match(run(command, '--version'), /^dunlin \d/);
  const { server, port } = await serve(command);
  run(command, 'pub', '-h', '127.0.0.1', '-p', port, '-t', 'global', '-m', 'x', '-q', '1');
  server.child.kill('SIGTERM');
  assert.equal(await ended(server), 0);
});

test('an older Node is told what the installed tool needs', () => {
  const launcher = join(installed, '@dunlin/cli/bin/dunlin.js');
  const demanding = join(dirname(launcher), 'demanding.js');
  writeFileSync(demanding, readFileSync(launcher, 'utf8').replace('NODE_MAJOR = 24', 'NODE_MAJOR = 999'));
  const { status, stderr } = spawnSync(process.execPath, [demanding, '--help'], { encoding: 'utf8', env });
  assert.equal(status, 1);
  assert.match(stderr, /^dunlin needs Node 999 or newer, this is v\d+\.\d+\.\d+\.\nInstall Node 24 or newer \(/);
});

test('the installed tool serves, subscribes and publishes, and stops when told to', async () => {
  const { server, port } = await serve();
  const flags = ['-h', '127.0.0.1', '-p', port, '-t', 'packed/topic', '-q', '1'];
  const sub = start('sub', ...flags, '-v', '-C', '1', '-d');
  await printed(sub, 'stderr', /< SUBACK/);
  run(dunlin, 'pub', ...flags, '-m', 'round trip');
  await printed(sub, 'stdout', /^packed\/topic round trip\n$/);
  assert.equal(await ended(sub), 0);
  server.child.kill('SIGTERM');
  assert.equal(await ended(server), 0);
});

test('the parts of the client that are loaded on demand are found where it is installed', async () => {
  const { server, port } = await serve();
  writeFileSync(
    join(folder, 'on-demand.ts'),
    `import assert from 'node:assert/strict';\n` +
      `import { connect, type OutboxStore } from '@dunlin/client';\n` +
      `import { fileOutbox } from '@dunlin/client/node';\n` +
      `const store: OutboxStore = fileOutbox('outbox-of-client');\n` +
      `const client = await connect('mqtt://127.0.0.1:${port}', { outbox: { store } });\n` +
      `await client.respond('double/{of}', (_, { of }) => String(2 * Number(of)));\n` +
      `assert.equal((await client.request('double/21', '')).text(), '42');\n` +
      `await client.disconnect();\n`,
  );
  run(process.execPath, 'on-demand.ts');
  server.child.kill('SIGTERM');
  assert.equal(await ended(server), 0);
});

test('browsers get one minified module with numbers for texts, and in development the modules with whole sentences', () => {
  writeFileSync(
    join(folder, 'in-a-browser.ts'),
    `import assert from 'node:assert/strict';\n` +
      `import { createClient, MqttError } from '@dunlin/client';\n` +
      `import { indexedDbOutbox } from '@dunlin/client/indexeddb';\n` +
      `import { TopicTemplate } from '@dunlin/client/topics';\n` +
      `const [form, text] = process.argv.slice(2);\n` +
      `for (const name of ['', '/indexeddb', '/topics'])\n` +
      `  assert.equal(import.meta.resolve('@dunlin/client' + name).includes('/dist/bundle/'), form === 'published', name);\n` +
      `assert.throws(() => createClient('ws://h', { clientId: '', protocolVersion: 4, cleanStart: false }), new RegExp(text));\n` +
      `assert.throws(() => new TopicTemplate('a/{b}c'), MqttError);\n` +
      `assert.equal(typeof indexedDbOutbox, 'function');\n`,
  );
  run(process.execPath, '--conditions=browser', 'in-a-browser.ts', 'published', '^MqttError: DUN\\d+$');
  const conditions = ['--conditions=browser', '--conditions=development'];
  run(
    process.execPath,
    ...conditions,
    'in-a-browser.ts',
    'developed',
    '^MqttError: Cannot connect with an empty clientId: ',
  );
  // A page without a bundler has the types beside the module.
  writeFileSync(
    join(folder, 'page.ts'),
    `import { connect } from './node_modules/@dunlin/client/dist/bundle/main.js';\n` +
      `import { indexedDbOutbox } from './node_modules/@dunlin/client/dist/bundle/indexeddb.js';\n` +
      `const outbox = { store: indexedDbOutbox('orders') };\n` +
      `export const open = () => connect('wss://localhost', { outbox });\n` +
      `// @ts-expect-error: it is a number\n` +
      `export const wrong = () => connect('wss://localhost', { keepAlive: 'long' });\n`,
  );
});

test('what the READMEs show has the types that are installed, and runs', async () => {
  const { port } = await serve();
  const examples = names.map((name) => {
    const readme = readFileSync(join(installed, '@dunlin', name, 'README.md'), 'utf8');
    assert.doesNotMatch(readme, /\]\(\.\.\//, `the README of ${name} links out of its package`);
    const example = /```ts\n(.*?)```/s.exec(readme);
    assert.ok(example, `the README of ${name} has no example`);
    const file = `${name}-example.ts`;
    const url = example[1].replace('localhost:1883', `127.0.0.1:${port}`);
    writeFileSync(join(folder, file), url.replace("'localhost', 1883", `'127.0.0.1', ${port}`));
    return file;
  });
  writeFileSync(
    join(folder, 'contract.test.ts'),
    `import { MemoryStore } from '@dunlin/broker';\n` +
      `import { storeContract } from '@dunlin/broker/contract/store';\n` +
      `storeContract('MemoryStore', async () => new MemoryStore());\n`,
  );
  // A wrong type must be seen: a package without types would let everything pass.
  writeFileSync(
    join(folder, 'wrong.ts'),
    `import { connect } from '@dunlin/client';\n` +
      `// @ts-expect-error: it is a number\n` +
      `connect('mqtt://localhost', { keepAlive: 'long' });\n`,
  );
  typeCheck();
  for (const file of examples) run(process.execPath, file);
  run(process.execPath, '--test', 'contract.test.ts');
});

test('pages without the types of Node compile with the client, and Node, where what is missing may be undefined', () => {
  const readme = readFileSync(join(installed, '@dunlin/client/README.md'), 'utf8');
  const examples = Array.from(readme.matchAll(/```ts\n(.*?)```/gs), ([, text]) => text);
  assert.ok(examples.length > 1);
  for (const { name, compilerOptions, source } of typeProjects(join(root, 'node_modules/@types'))) {
    const project = join(folder, name);
    mkdirSync(project);
    for (const [index, text] of [source, ...examples].entries()) writeFileSync(join(project, `${index}.ts`), text);
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
    run(join(root, 'node_modules/.bin/tsc'), '-p', name);
  }
});

/** Checks every file of the folder as strictly as TypeScript can, the declarations of the packages included. */
function typeCheck(): void {
  const compilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: false,
    target: 'es2024',
    lib: ['es2024', 'esnext.disposable'],
    module: 'nodenext',
    types: ['node'],
    typeRoots: [join(root, 'node_modules/@types')],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
  run(join(root, 'node_modules/.bin/tsc'), '-p', '.');
}

/** Lets npm install; what is not named by its path comes from a `node_modules`, not from the network. */
async function install(modules: string, ...parameters: string[]): Promise<void> {
  const registry = await startLocalRegistry(modules);
  const flags = ['--registry', registry.url, '--cache', join(folder, 'cache')];
  await promisify(execFile)('npm', [...INSTALL, ...flags, ...parameters], { cwd: folder, env, timeout: patienceMs });
  registry.close();
}

function manifests(packages: string): Manifest[] {
  return readdirSync(packages).map((name) => JSON.parse(readFileSync(join(packages, name, 'package.json'), 'utf8')));
}

/** Runs a program to its end in the folder; returns what it wrote to standard output, fails where it fails. */
function run(command: string, ...parameters: string[]): string {
  const options = { cwd: folder, env, encoding: 'utf8', timeout: patienceMs } as const;
  const { status, stdout, stderr, error } = spawnSync(command, parameters, options);
  assert.equal(status, 0, `${command} ${parameters.join(' ')}: ${error ?? ''}\n${stdout}${stderr}`);
  return stdout;
}

/** The tool as a process of its own, with what it has printed. */
interface Tool {
  readonly child: ChildProcess;
  stdout: string;
  stderr: string;
  readonly exit: Promise<number | string>;
}

function start(...parameters: string[]): Tool {
  return startTool(dunlin, parameters);
}

function startTool(command: string, parameters: readonly string[]): Tool {
  const child = spawn(command, parameters, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  started.push(child);
  const exit = new Promise<number | string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
  const tool: Tool = { child, stdout: '', stderr: '', exit };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream]?.setEncoding('utf8').on('data', (text) => {
      tool[stream] += text;
    });
  }
  return tool;
}

async function serve(command = dunlin): Promise<{ server: Tool; port: string }> {
  const server = startTool(command, ['serve', '--host', '127.0.0.1', '--port', '0']);
  const [, port] = await printed(server, 'stderr', /"listening",[^\n]*"address":"127\.0\.0\.1:(\d+)"/);
  return { server, port };
}

async function printed(tool: Tool, stream: 'stdout' | 'stderr', pattern: RegExp): Promise<RegExpExecArray> {
  for (let look = 0; look < patienceMs / 20; look++) {
    const match = pattern.exec(tool[stream]);
    if (match !== null) return match;
    if (tool.child.exitCode !== null) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${pattern} was not printed, but:\n${tool.stdout}${tool.stderr}`);
}

/** Exit code or signal. */
function ended(tool: Tool): Promise<number | string> {
  const late = new Promise<string>((resolve) => setTimeout(resolve, patienceMs, 'still running').unref());
  return Promise.race([tool.exit, late]);
}
