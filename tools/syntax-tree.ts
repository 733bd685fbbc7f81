/** A program as a tree whose nodes know their parents; `acorn` parses. */
import { parse } from 'acorn';

/** A node of ESTree: fields by its type, nodes among them. */
export interface SyntaxNode {
  readonly type: string;
  /** Offset of its first character. */
  readonly start: number;
  /** Offset behind its last character. */
  readonly end: number;
  // biome-ignore lint/suspicious/noExplicitAny: the types of the fields follow from `type`, which callers look at
  readonly [field: string]: any;
}

/** A module: its nodes in the order of the text, and the parent of each. */
export interface SyntaxTree {
  readonly code: string;
  readonly nodes: readonly SyntaxNode[];
  parentOf(node: SyntaxNode): SyntaxNode;
}

/** Parses a module. Throws a `SyntaxError` with line and column for what is none. */
export function syntaxTree(code: string): SyntaxTree {
  const parents = new Map<SyntaxNode, SyntaxNode>();
  const nodes: SyntaxNode[] = [];
  const visit = (node: SyntaxNode): void => {
    nodes.push(node);
    for (const child of childrenOf(node)) {
      parents.set(child, node);
      visit(child);
    }
  };
  visit(parse(code, { ecmaVersion: 'latest', sourceType: 'module' }) as unknown as SyntaxNode);
  // Only the program has none, and nobody asks for it.
  return { code, nodes, parentOf: (node) => parents.get(node) as SyntaxNode };
}

/** The nodes right below, in the order of the text. */
export function childrenOf(node: SyntaxNode): SyntaxNode[] {
  return Object.values(node)
    .flat()
    .filter((value) => typeof value?.type === 'string')
    .sort((a, b) => a.start - b.start);
}
