/**
 * Packs what is published: builds every package and writes its tarball, with a manifest of its own, into `dist-pack/`.
 *
 *     npm run pack
 *
 * In the repository exports lead to the sources as well; Node strips no types under `node_modules`, so what is
 * published holds only what was built (docs/adr/0006-build-and-pack.md).
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, posix, relative, sep } from 'node:path';

/** What an export leads to: a file, or conditions with a target each. */
export type ExportTarget = string | { readonly [condition: string]: ExportTarget };

/** The part of a `package.json` that packing reads and writes. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly license: string;
  readonly private?: boolean;
  readonly type: string;
  readonly sideEffects?: boolean;
  readonly bin?: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, ExportTarget>>;
  readonly files?: readonly string[];
  readonly engines?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** A package of the workspace. */
interface Package {
  readonly folder: string;
  readonly manifest: Manifest;
}

const scope = '@dunlin/';
const sourceCondition = '@dunlin/source';
const engines = { node: '>=24' };
const buildTimeoutMs = 120_000;

/**
 * The manifest to publish: exports without the source condition, packages of ours at exactly the version they have now.
 * `versions` holds the version of every package of the workspace by name. Throws where a sibling is not among them, or
 * where an export leads to something that is not built.
 */
export function publishedManifest(manifest: Manifest, versions: ReadonlyMap<string, string>): Manifest {
  const { name, version, description, license, type, sideEffects, bin, files = ['dist'], dependencies = {} } = manifest;
  const exports: Record<string, ExportTarget> = {};
  for (const [path, target] of Object.entries(manifest.exports)) exports[path] = publishedTarget(name, path, target);
  const pinned: Record<string, string> = {};
  for (const [dependency, range] of Object.entries(dependencies)) {
    const sibling = versions.get(dependency);
    if (sibling === undefined && dependency.startsWith(scope))
      throw new Error(`Cannot pack ${name}: it depends on ${dependency}, which is not in packages/`);
    pinned[dependency] = sibling ?? range;
  }
  const own = { ...(sideEffects === undefined ? {} : { sideEffects }), ...(bin === undefined ? {} : { bin }) };
  return { name, version, description, license, type, ...own, exports, files, engines, dependencies: pinned };
}

function publishedTarget(name: string, path: string, target: ExportTarget): ExportTarget {
  if (typeof target === 'string') return target;
  const conditions = Object.entries(target).filter(([condition]) => condition !== sourceCondition);
  for (const [condition, file] of conditions) {
    if (typeof file === 'string' && !file.startsWith('./dist/'))
      throw new Error(`Cannot pack ${name}: the export "${path}" leads to ${file} for "${condition}", not to ./dist/`);
  }
  return Object.fromEntries(conditions.map(([condition, to]) => [condition, publishedTarget(name, path, to)]));
}

/**
 * The built files to publish, such as `dist/index.js`, for sources such as `src/index.ts`: script, its map and types of
 * each. Tests stay out, as does what only tests use (`testing/`); suites in `contract/` go with the package only where
 * an export leads there.
 */
export function publishedFiles(sources: readonly string[], exports: Manifest['exports']): string[] {
  const withContract = Object.keys(exports).some((path) => path.startsWith('./contract/'));
  return sources
    .filter((source) => source.endsWith('.ts') && !source.endsWith('.test.ts'))
    .filter((source) => !source.includes('/testing/'))
    .filter((source) => withContract || !source.startsWith('src/contract/'))
    .map((source) => `dist/${source.slice('src/'.length, -'.ts'.length)}`)
    .flatMap((base) => [`${base}.js`, `${base}.js.map`, `${base}.d.ts`])
    .sort();
}

/** The README without links that lead out of the package: their words stay. */
export function publishedReadme(text: string): string {
  return text.replace(/\[([^\]]+)\]\(\.\.\/[^)]*\)/g, '$1');
}

/**
 * Builds the packages under `root` and writes a tarball of each into `destination`, which is emptied before. Returns
 * the paths of the tarballs. Throws with what the failed program printed.
 */
export function pack(root: string, destination: string): string[] {
  // Anew, so that nothing of an earlier state of the sources is taken for built.
  run(root, join(root, 'node_modules/.bin/tsc'), ['-b', '--force', 'tsconfig.build.json']);
  run(root, process.execPath, ['tools/browser-bundle.ts']);
  const packages = publishedPackages(root);
  const versions = new Map(packages.map(({ manifest: { name, version } }) => [name, version]));
  const staging = mkdtempSync(join(tmpdir(), 'dunlin-pack-'));
  try {
    const staged = packages.map((found) => stage(root, found, versions, staging));
    rmSync(destination, { recursive: true, force: true });
    mkdirSync(destination, { recursive: true });
    return packFolders(staged, destination);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

/** Packs folders as they are; returns the paths of the tarballs, in the order of the folders. */
export function packFolders(folders: readonly string[], destination: string): string[] {
  const flags = ['--pack-destination', destination, '--ignore-scripts', '--no-update-notifier', '--silent'];
  const printed = run(destination, 'npm', ['pack', ...folders, ...flags]);
  const names = printed.split('\n').filter((line) => line.endsWith('.tgz'));
  return names.map((name) => join(destination, name));
}

function publishedPackages(root: string): Package[] {
  return globSync('packages/*/package.json', { cwd: root })
    .sort()
    .map((path) => ({
      folder: join(root, dirname(path)),
      manifest: JSON.parse(readFileSync(join(root, path), 'utf8')) as Manifest,
    }))
    .filter(({ manifest }) => manifest.private !== true);
}

/** Lays out one package as it will be unpacked; returns the folder. */
function stage(root: string, from: Package, versions: ReadonlyMap<string, string>, staging: string): string {
  const { folder } = from;
  const manifest = publishedManifest(from.manifest, versions);
  const target = join(staging, relative(join(root, 'packages'), folder));
  const sources = globSync('src/**', { cwd: folder }).map((path) => path.split(sep).join(posix.sep));
  const bundle = globSync('dist/bundle/*', { cwd: folder });
  for (const path of [...publishedFiles(sources, manifest.exports), ...bundle])
    cpSync(join(folder, path), join(target, path));
  for (const path of manifest.files ?? [])
    if (path !== 'dist') cpSync(join(folder, path), join(target, path), { recursive: true });
  cpSync(join(root, 'LICENSE'), join(target, 'LICENSE'));
  writeFileSync(join(target, 'README.md'), publishedReadme(readFileSync(join(folder, 'README.md'), 'utf8')));
  writeFileSync(join(target, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
  for (const path of promisedFiles(manifest)) {
    if (!existsSync(join(target, path))) throw new Error(`Cannot pack ${manifest.name}: ${path} does not exist`);
  }
  return target;
}

function promisedFiles({ bin = {}, exports }: Manifest): string[] {
  return [...Object.values(exports).flatMap(filesOf), ...Object.values(bin)];
}

function filesOf(target: ExportTarget): string[] {
  return typeof target === 'string' ? [target] : Object.values(target).flatMap(filesOf);
}

/** Returns what the program printed. */
function run(cwd: string, command: string, parameters: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, parameters, {
    cwd,
    encoding: 'utf8',
    timeout: buildTimeoutMs,
  });
  if (status === 0) return stdout;
  throw new Error(
    `"${command} ${parameters.join(' ')}" failed${error ? `: ${error.message}` : ''}\n${stdout}${stderr}`,
  );
}

if (import.meta.main) {
  const root = dirname(import.meta.dirname);
  for (const tarball of pack(root, join(root, 'dist-pack'))) console.log(relative(root, tarball));
}
