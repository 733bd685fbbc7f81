import assert from 'node:assert/strict';
import { test } from 'node:test';
import { childrenOf, syntaxTree } from './syntax-tree.ts';

test('nodes come in the order of the text, each with its parent', () => {
  const tree = syntaxTree('const a = `x ${b} y`;');
  const [program, declaration] = tree.nodes;
  assert.deepEqual([program.type, declaration.type], ['Program', 'VariableDeclaration']);
  assert.equal(tree.parentOf(declaration), program);
  const template = tree.nodes.find(({ type }) => type === 'TemplateLiteral');
  assert.ok(template);
  assert.deepEqual(
    childrenOf(template).map(({ start, end }) => tree.code.slice(start, end)),
    ['x ', 'b', ' y'],
  );
});

test('what is no module is refused with its place', () => {
  assert.throws(() => syntaxTree('const = 1'), /^SyntaxError: .*\(1:6\)$/);
});
