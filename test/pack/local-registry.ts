/** A registry on the loopback address which has what is installed in a `node_modules`, so that npm can install without network. */
import { spawn } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, dirname, join } from 'node:path';

/** What npm has to know of a package besides its place. */
interface Installed {
  readonly name: string;
  readonly version: string;
}

/** A running registry; `url` ends in `/`. */
export interface LocalRegistry {
  readonly url: string;
  close(): void;
}

/** Serves the packages of others in a `node_modules`, in every version that is there. */
export async function startLocalRegistry(modules: string): Promise<LocalRegistry> {
  const server = createServer((request, response) => {
    const [name, version] = decodeURIComponent(request.url ?? '')
      .slice(1)
      .split('?version=');
    const folders = foldersOf(modules, name);
    if (folders.length === 0) return void response.writeHead(404).end();
    if (version === undefined) return void response.end(JSON.stringify(description(folders, name, url)));
    sendTarball(folders.find((folder) => manifestOf(folder).version === version) ?? '', response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return { url, close: () => server.close() };
}

/** Where a package is: at the top, or below another one that needs another version of it. */
function foldersOf(modules: string, name: string): string[] {
  const below = globSync(`{*,@*/*}/node_modules/${name}`, { cwd: modules });
  return [name, ...below].map((path) => join(modules, path)).filter((path) => existsSync(join(path, 'package.json')));
}

function manifestOf(folder: string): Installed {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}

function description(folders: readonly string[], name: string, url: string): object {
  const versions = folders.map(manifestOf).map((manifest) => {
    const tarball = `${url}${encodeURIComponent(name)}?version=${manifest.version}`;
    return [manifest.version, { ...manifest, dist: { tarball } }] as const;
  });
  return { name, 'dist-tags': { latest: versions[0][0] }, versions: Object.fromEntries(versions) };
}

function sendTarball(folder: string, response: ServerResponse): void {
  const parameters = ['-cf', '-', '--exclude=*/node_modules', '-C', dirname(folder), basename(folder)];
  spawn('tar', parameters, { stdio: ['ignore', 'pipe', 'inherit'] }).stdout.pipe(response);
}
