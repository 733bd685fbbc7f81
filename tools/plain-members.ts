/**
 * Private members of classes that no user of the package sees, as plain ones: `this.#e` as `this.e`, which needs no declaration
 * (ADR 14). Classes that users see keep theirs, or what is in them would be listed, copied and printed with them.
 *
 * A name of `internal-names.ts` is short too, and may be the same in another class. So none may be an optional member of what
 * such a class is used as: a private one would pass for it. Its test looks for that.
 */
import { type SyntaxNode, syntaxTree } from './syntax-tree.ts';

/** What is most frequent is first, as terser has its names: what looks alike is short when it is compressed. */
const LETTERS = [...'tiesnrohacludpfvmbwygkxABCDEFGHIJKLMNOPQRSTUVWXYZ'];

/** The module with such members. `seen`: the names under which it exports classes that users see. */
export function withPlainMembers(code: string, seen: readonly string[]): string {
  const { nodes, parentOf } = syntaxTree(code);
  const exported = nodes.filter(({ type }) => type === 'ExportSpecifier');
  const kept = exported.filter((one) => seen.includes(one.exported.name)).map((one) => one.local.name);
  const edits: { readonly start: number; readonly end: number; readonly text: string }[] = [];
  for (const node of nodes) {
    if (!/^Class(?:Declaration|Expression)$/.test(node.type)) continue;
    const name = node.id?.name ?? parentOf(node).id?.name;
    if (kept.includes(name)) continue;
    const within = nodes.filter(({ start, end }) => start > node.start && end < node.end);
    const names = plainNames(node, within);
    for (const { type, name, start, end } of within) {
      if (type === 'PrivateIdentifier') {
        // `get#a` and `async#a` need no space.
        const isJoined = /\w/.test(code[start - 1]);
        edits.push({ start, end, text: (isJoined ? ' ' : '') + names.get(name) });
      }
    }
    for (const { type, value, computed, start, end } of node.body.body) {
      if (type === 'PropertyDefinition' && value === null && !computed) edits.push({ start, end, text: '' });
    }
  }
  return edited(code, edits);
}

/** The plain name of each private one: the more often it stands there, the earlier a letter that no other member has. */
function plainNames({ body }: SyntaxNode, within: readonly SyntaxNode[]): ReadonlyMap<string, string> {
  const taken = new Set<string>(body.body.map(({ key }: SyntaxNode) => key.type === 'Identifier' && key.name));
  const free = LETTERS.filter((letter) => !taken.has(letter));
  const counts = new Map<string, number>();
  for (const { type, name } of within) if (type === 'PrivateIdentifier') counts.set(name, (counts.get(name) ?? 0) + 1);
  const names = [...counts].sort(([, a], [, b]) => b - a).map(([name]) => name);
  return new Map(names.map((name, index) => [name, free[index] ?? `$${name}`]));
}

/** The text with parts of it replaced; a part within another one is replaced with that. */
function edited(text: string, edits: readonly { start: number; end: number; text: string }[]): string {
  let out = '';
  let at = 0;
  for (const edit of edits.toSorted((a, b) => a.start - b.start || b.end - a.end)) {
    if (edit.start < at) continue;
    out += text.slice(at, edit.start) + edit.text;
    at = edit.end;
  }
  return out + text.slice(at);
}
