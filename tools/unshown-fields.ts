/**
 * Fields of packets by their names, which those who read and write packets are given for their texts alone: the bundle for
 * browsers, whose texts do not show them, has none (ADR 14). They are the last parameter `field`, and the last argument of
 * calls of a `reader`, a `writer` or `this`.
 */
import { type SyntaxNode, syntaxTree } from './syntax-tree.ts';

const MODULES = /^packages\/protocol\/src\/(?:decode|encode|packet-reader|packet-writer)\.ts$/;

/** The module at a path without names of fields where it hands them on; they may still be in its texts. */
export function withoutFields(code: string, path: string): string {
  if (!MODULES.test(path)) return code;
  const unshown = syntaxTree(code).nodes.flatMap((node): SyntaxNode[] => {
    const list = node.type === 'FunctionExpression' ? node.params : isPacketCall(node) ? node.arguments : [];
    const last = list.at(-1);
    return last?.name === 'field' || (node.type === 'CallExpression' && isName(last)) ? [last] : [];
  });
  unshown.sort((a, b) => a.start - b.start);
  return unshown.reduceRight(
    (text, { start, end }) => text.slice(0, start).replace(/,?\s*$/, '') + text.slice(end),
    code,
  );
}

/** A call of what reads or writes a part of a packet; faults are told as they are. */
function isPacketCall({ type, callee }: SyntaxNode): boolean {
  if (type !== 'CallExpression' || callee.type !== 'MemberExpression') return false;
  const { object, property } = callee;
  const isPacket = object.type === 'ThisExpression' || object.name === 'reader' || object.name === 'writer';
  return isPacket && property.name !== 'forbidden' && property.name !== 'malformed';
}

function isName(node: SyntaxNode | undefined): boolean {
  return typeof node?.value === 'string';
}
