/** The guide to devices, line by line as it stands but for the ports, in a folder that has nothing but the examples. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { missing } from '../../tools/prerequisites.ts';
import { scratch } from '../doors/guarded-server.ts';
import { freePort } from '../free-port.ts';
import { eventually, Program } from '../interop/local-broker.ts';
import { ended, showsTimes } from './fleet.ts';

const MAIN = fileURLToPath(new URL('../../packages/cli/src/main.ts', import.meta.url));

/** The variables of the two configurations by the port that stands there and in the guide. */
const PORTS = {
  1883: ['CAMERAS_PORT', 'PLAYERS_SERVICES_PORT'],
  8080: ['CAMERAS_API_PORT', 'PLAYERS_WEB_PORT'],
  8081: ['PLAYERS_API_PORT'],
  8883: ['CAMERAS_TLS_PORT', 'PLAYERS_PORT'],
} as const;

/** The blocks of the guide, in their order; each is asked for once. */
class Guide {
  readonly #blocks: string[];
  readonly #prelude: string;
  readonly #ports: ReadonlyMap<string, string>;

  private constructor(ports: ReadonlyMap<string, string>, folder: string) {
    const text = readFileSync(new URL('../../docs/guide/devices.md', import.meta.url), 'utf8');
    this.#blocks = [...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, block]) => block);
    this.#ports = ports;
    const variables = Object.entries(PORTS).flatMap(([port, names]) =>
      names.map((name) => `${name}=${ports.get(port)}`),
    );
    const node = `"${process.execPath}" --conditions=@dunlin/source`;
    this.#prelude = `
cd "${folder}"
export ${variables.join(' ')}
dunlin() { $LAST ${node} "${MAIN}" "$@"; }
npx() { shift; $LAST "${process.execPath}" "$@"; }
`;
  }

  static async open(folder: string): Promise<Guide> {
    symlinkSync(fileURLToPath(new URL('../../examples', import.meta.url)), join(folder, 'examples'));
    const ports = new Map<string, string>();
    for (const port of Object.keys(PORTS)) ports.set(port, String(await freePort()));
    return new Guide(ports, folder);
  }

  /** Runs the next block, which must have this text, and returns what it printed. `fill`: what a reader puts in. */
  async run(has: string, fill: (block: string) => string = (block) => block): Promise<string> {
    const block = fill(this.#next(has));
    assert.ok(!block.startsWith('# Terminal'), block);
    return await new Program('bash', ['-ec', this.#script(block, '')]).output();
  }

  /** Starts the next block, which runs on, in a terminal of its own. */
  start(has: string): Program {
    const block = this.#next(has);
    assert.match(block, /^# Terminal \d\n/);
    // The program takes the place of the shell, so that an end of the one is that of the other.
    return new Program('bash', ['-ec', this.#script(block, 'exec')], '', 0);
  }

  get rest(): readonly string[] {
    return this.#blocks;
  }

  #next(has: string): string {
    const block = this.#blocks.shift() ?? '';
    assert.ok(block.includes(has), `the next block of the guide has no ${has}:\n${block}`);
    return block;
  }

  #script(block: string, last: string): string {
    const here = block.replaceAll(/\b(1883|8080|8081|8883)\b/g, (port) => this.#ports.get(port) ?? port);
    return `LAST=${last}${this.#prelude}${here}`;
  }
}

async function serving(server: Program): Promise<void> {
  await eventually(() => server.err.includes('"started"'), 'the start of the server');
}

test('whoever follows the guide to devices has a woken camera and a registered player, which shows what it is told to', {
  skip: missing('openssl-command'),
}, async () => {
  const folder = scratch();
  const guide = await Guide.open(folder);
  await guide.run('dunlin init cameras');
  const cameras = guide.start('dunlin serve --config cameras/');
  await serving(cameras);
  await guide.run('dunlin device token cam-1');
  const camera = guide.start('camera.ts');
  await camera.shows('Waiting for wake-up commands\n');
  const woken = await guide.run('dunlin device wake cam-1');
  assert.match(woken, /^wake to cam-1: confirmed\n[\s\S]*\ncam-1\n {2}type +camera\n[\s\S]*presence +connected/);
  const [, command] = /^ {2}command ([\da-f-]{36})$/m.exec(woken) ?? [];
  await camera.shows(`Woken by ${command}\n`);
  assert.match(await guide.run('wake.ts'), /^cam-1: sent, confirmed \(/);
  assert.match(await guide.run('fleet.csv'), /It would be: 2 added[\s\S]*Devices: 2 added/);
  const why = await guide.run('dunlin device why');
  assert.match(why, /can come in[\s\S]*none of its tokens \(token\)/);
  await guide.run('--rotate');
  await guide.run('dunlin device disable');
  await camera.shows('reconnecting ');
  await ended(camera);
  await ended(cameras);

  await guide.run('dunlin init players');
  const players = guide.start('dunlin serve --config players/');
  await serving(players);
  const website = guide.start('server.ts');
  await website.shows('Serving players\n');
  const player = guide.start('player.ts');
  await player.shows('Enter the code ');
  const [, code] = /^Enter the code (\S+) until /.exec(player.out) ?? [];
  assert.match(await guide.run('claim CODE', (block) => block.replace('CODE', code)), /^CLAIM [\s\S]* player +open /);
  await player.shows('Posts: 101, 102, 103, 104, 105\n');
  await website.shows(' is online\n');
  const shown = await guide.run('dunlin device command');
  assert.match(shown, /^show to \S+: confirmed\n/);
  await website.shows(' showed artwork 101\n');
  assert.match(await guide.run('dunlin device cert'), /firmware\/key\.pem/);
  await guide.run('dunlin device renew');
  await showsTimes(player, 'Waiting for commands\n', 2);
  assert.match(await guide.run('dunlin device revoke'), /^Revoked the certificate [\s\S]*\nRevoked the certificate /);
  const asked = await guide.run('openssl ocsp');
  assert.ok((asked.match(/Serial Number: /g)?.length ?? 0) >= 2, asked);
  assert.match(asked, /cert\.pem: revoked/);
  await player.shows('reconnecting ');
  await ended(player);
  await ended(website);
  await ended(players);
  assert.deepEqual(guide.rest, []);
  const ignored = readFileSync(new URL('../../.gitignore', import.meta.url), 'utf8').split('\n');
  const made = readdirSync(folder, { withFileTypes: true }).filter(({ name }) => name !== 'examples');
  for (const one of made) assert.ok(ignored.includes(`/${one.name}${one.isDirectory() ? '/' : ''}`), one.name);
});
