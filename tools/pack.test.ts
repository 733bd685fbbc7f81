import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Manifest, publishedFiles, publishedManifest, publishedReadme } from './pack.ts';

const manifest: Manifest = {
  name: '@dunlin/b',
  version: '1.2.3',
  description: 'A package',
  license: 'Apache-2.0',
  type: 'module',
  exports: { '.': { '@dunlin/source': './src/index.ts', types: './dist/index.d.ts', default: './dist/index.js' } },
  dependencies: { '@dunlin/a': '0.9.0', yaml: '^2.9.1' },
};
const versions = new Map([['@dunlin/a', '1.2.3']]);

test('the published manifest leads to what is built and names siblings at their present version', () => {
  const own = { sideEffects: false, bin: { b: 'bin/b.js' } };
  const published = publishedManifest({ ...manifest, ...own, files: ['dist', 'bin'] }, versions);
  assert.deepEqual(published, {
    ...manifest,
    sideEffects: false,
    bin: { b: 'bin/b.js' },
    exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' } },
    files: ['dist', 'bin'],
    engines: { node: '>=24' },
    dependencies: { '@dunlin/a': '1.2.3', yaml: '^2.9.1' },
  });
  assert.deepEqual(publishedManifest(manifest, versions).files, ['dist']);
});

test('conditions within conditions lead to what is built, too', () => {
  const browser = { '@dunlin/source': './src/browser.ts', default: './dist/browser.js' };
  const exports = { '.': { browser, default: './dist/index.js' } };
  assert.deepEqual(publishedManifest({ ...manifest, exports }, versions).exports, {
    '.': { browser: { default: './dist/browser.js' }, default: './dist/index.js' },
  });
  const astray = { '.': { browser: { default: './src/browser.ts' } } };
  assert.throws(() => publishedManifest({ ...manifest, exports: astray }, versions), /leads to .\/src\/browser.ts/);
});

test('what could not be installed or imported is refused', () => {
  assert.throws(
    () => publishedManifest(manifest, new Map()),
    /^Error: Cannot pack @dunlin\/b: it depends on @dunlin\/a, which is not in packages\/$/,
  );
  const exports = { './x': { default: './src/x.ts' } };
  assert.throws(
    () => publishedManifest({ ...manifest, exports }, versions),
    /^Error: Cannot pack @dunlin\/b: the export ".\/x" leads to .\/src\/x.ts for "default", not to .\/dist\/$/,
  );
});

test('tests and what they use are not published, contract suites only where an export leads there', () => {
  const sources = [
    'src/a.ts',
    'src/a.test.ts',
    'src/testing/world.ts',
    'src/b/testing/c.ts',
    'src/contract',
    'src/contract/store.ts',
  ];
  assert.deepEqual(publishedFiles(sources, manifest.exports), ['dist/a.d.ts', 'dist/a.js', 'dist/a.js.map']);
  const withContract = publishedFiles(sources, { './contract/store': './dist/contract/store.js' });
  assert.deepEqual(withContract.filter((path) => path.endsWith('.js')).sort(), ['dist/a.js', 'dist/contract/store.js']);
});

test('links that lead out of the package become words', () => {
  const text = 'See [the README](../../README.md), [a file](./a.md) and [there](https://example.org/).';
  assert.equal(publishedReadme(text), 'See the README, [a file](./a.md) and [there](https://example.org/).');
});
