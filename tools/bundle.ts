/**
 * Modules for browsers: esbuild puts them together, terser makes them small. What is behind `import()` gets a file of its own,
 * and what such a part shares with the page is in the page's own file.
 */
import { readFile } from 'node:fs/promises';
import { dirname, join, parse } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build, type Metafile, type Plugin, transform } from 'esbuild';
import { minify } from 'terser';

/** Nothing that would change what the code does; each was measured (ADR 14). */
const COMPRESS = { ecma: 2022, passes: 3, keep_fargs: false, lhs_constants: false, hoist_vars: true } as const;

const root = dirname(import.meta.dirname);

/** What is to be bundled. */
export interface BundleOptions {
  /** The text of the module `main.js`, and of others beside it, by their names. */
  readonly entries: Readonly<Record<string, string>> & { readonly main: string };
  /** Where their imports are looked for. Default: the root of the repository. */
  readonly resolveDir?: string;
  /** Of `exports`, besides those of browsers. Default: the sources of the repository. */
  readonly conditions?: readonly string[];
  /** Changes each source file, which is JavaScript then, before it is bundled. */
  readonly prepared?: (code: string, path: string) => string;
  /** Properties that are given shorter names, the same in all files; none by default. */
  readonly internalNames?: readonly string[];
}

/** A bundle for browsers. */
export interface Bundle {
  /** The code of each file by its name; they import each other from beside themselves, and `main.js` is the first. */
  readonly outputs: ReadonlyMap<string, string>;
  /** Gzipped, of `main.js` and what it imports statically. */
  readonly mainBytes: number;
  /** Gzipped, of each file that is loaded on demand, by the name of its source. */
  readonly onDemandBytes: ReadonlyMap<string, number>;
  /** Bytes of each source file that a page loads at once, before terser. */
  readonly sources: ReadonlyMap<string, number>;
}

/** Everything that a package exports. */
export function everything(name: string): string {
  return `export * from '${name}';`;
}

/** Bundles modules as browsers get them. */
export async function bundled(options: BundleOptions): Promise<Bundle> {
  const { entries, conditions = ['@dunlin/source'], internalNames = [] } = options;
  const { outputFiles, metafile } = await build({
    entryPoints: Object.keys(entries).map((name) => ({ in: `${ENTRY}${name}`, out: name })),
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    conditions: [...conditions],
    absWorkingDir: root,
    outdir: '.',
    chunkNames: '[name]-[hash]',
    write: false,
    metafile: true,
    logLevel: 'silent',
    ...(internalNames.length === 0 ? {} : { mangleProps: new RegExp(`^(?:${internalNames.join('|')})$`) }),
    plugins: [modulesOf(options)],
  });
  const split = new Map<string, string>();
  for (const { path, text } of outputFiles) {
    const { code = '' } = await minify(await withoutMark(text), { module: true, ecma: 2022, compress: COMPRESS });
    split.set(parse(path).base, code);
  }
  const outputs = inFirstFile(split);
  return { outputs, ...weighed(outputs, metafile.outputs) };
}

function weighed(outputs: Bundle['outputs'], files: Metafile['outputs']): Omit<Bundle, 'outputs'> {
  const atOnce = loadedAtOnce(files);
  const onDemandBytes = new Map<string, number>();
  const sources = new Map<string, number>();
  let mainBytes = 0;
  for (const [name, code] of outputs) {
    const bytes = gzipSync(code, { level: 9 }).length;
    const { entryPoint = name } = files[name];
    if (!atOnce.has(name)) onDemandBytes.set(parse(entryPoint).name, bytes);
    else {
      mainBytes += bytes;
    }
  }
  for (const name of atOnce) {
    for (const [path, { bytesInOutput }] of Object.entries(files[name].inputs)) sources.set(path, bytesInOutput);
  }
  return { mainBytes, onDemandBytes, sources };
}

const ENTRY = 'entry:';
const MARK = 'isInMain';

/** The entries, and parts that share all that the page has, so that esbuild keeps that in one file: see `inFirstFile`. */
function modulesOf({ entries, resolveDir = root, prepared }: BundleOptions): Plugin {
  // Any public name does that leads to all of the client.
  const shared = entries.main.includes('@dunlin/client') ? `export { connect as ${MARK} } from '@dunlin/client';` : '';
  return {
    name: 'modules',
    setup: ({ onResolve, onLoad }) => {
      const parts = new Set<string>();
      onResolve({ filter: new RegExp(`^${ENTRY}`) }, ({ path }) => ({ path, namespace: 'entry' }));
      onLoad({ filter: /./, namespace: 'entry' }, ({ path }) => {
        const name = path.slice(ENTRY.length);
        return { loader: 'ts', resolveDir, contents: entries[name] + (name === 'main' ? '' : shared) };
      });
      onResolve({ filter: /^\.\// }, ({ kind, path, resolveDir }) => {
        if (kind === 'dynamic-import') parts.add(join(resolveDir, path));
        return undefined;
      });
      onLoad({ filter: /\.[jt]s$/ }, async ({ path }) => {
        if (path.includes('node_modules') && !parts.has(path)) return undefined;
        const text = await readFile(path, 'utf8');
        const loader = path.endsWith('.ts') ? 'ts' : 'js';
        const contents = prepared === undefined ? text : prepared((await transform(text, { loader })).code, path);
        const own = { loader: prepared === undefined ? loader : 'js', resolveDir: dirname(path) } as const;
        return { ...own, contents: parts.has(path) ? contents + shared : contents };
      });
    },
  };
}

/** Takes the name that made a part share all with the page out again: from its exports, and where nothing else needs it. */
async function withoutMark(code: string): Promise<string> {
  const marked = new RegExp(`[\\w$]+ as ${MARK},?`);
  if (!marked.test(code)) return code;
  const { code: rest } = await transform(code.replace(marked, ''), { format: 'esm', minify: true, treeShaking: true });
  // No module of ours has to be loaded for what it does.
  return rest.replace(/import"[^"]*";/g, '');
}

/**
 * What a part shares with the page belongs into the page's own file, as Rollup, Vite and webpack do it: esbuild has moved
 * it to another one, and left a first file that only names it. Minified modules have one form.
 */
function inFirstFile(split: ReadonlyMap<string, string>): Map<string, string> {
  const first = /^import\{(.*)\}from"\.\/(.*)";export\{(.*)\};$/.exec(split.get('main.js') ?? '');
  if (first === null) return new Map(split);
  const [, imported, chunk, exported] = first;
  const [, code, given] = /^(.*)export\{(.*)\};$/s.exec(split.get(chunk) ?? '') ?? [];
  const locals = new Map(pairs(given).map(([local, name]) => [name, local]));
  const taken = new Map(pairs(imported).map(([name, local]) => [local, locals.get(name)]));
  const parts = [...split].filter(([name]) => name !== 'main.js' && name !== chunk);
  const names = new Set(pairs(exported).map(([local, name]) => `${taken.get(local)} as ${name}`));
  const outputs = new Map<string, string>();
  for (const [name, text] of parts) {
    const code = text.replace(/import\{([^}]*)\}from"\.\/([^"]*)"/g, (whole, list, from) => {
      if (from !== chunk) return whole;
      // By its name in the first file, so that this needs no other.
      const taken = pairs(list).map(([outer, local]) => [locals.get(outer), local]);
      for (const [inner] of taken) names.add(`${inner}`);
      return `import{${taken.map(([inner, local]) => `${inner} as ${local}`)}}from"./main.js"`;
    });
    outputs.set(name, code.replaceAll(`"./${chunk}"`, '"./main.js"'));
  }
  return outputs.set('main.js', `${code}export{${[...names].join(',')}};`);
}

/** `a as b,c` as pairs: a and b, c and c. */
function pairs(list: string): (readonly [string, string])[] {
  return list.split(',').map((one) => {
    const [from, to = from] = one.split(' as ');
    return [from, to] as const;
  });
}

/** The names of `main.js` and of all that it imports statically. */
function loadedAtOnce(outputs: Metafile['outputs']): Set<string> {
  const names = new Set(['main.js']);
  for (const name of names) {
    for (const { path, kind } of outputs[name].imports) if (kind === 'import-statement') names.add(path);
  }
  return names;
}
