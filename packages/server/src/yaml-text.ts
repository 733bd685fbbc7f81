/** Reads YAML as files of ours are written: every fault with its line, a key that stands twice with both. */
import { quoted } from '@dunlin/protocol';
import { type Document, isScalar, LineCounter, type Node, parseDocument, visit } from 'yaml';

/** A text, read. */
export interface YamlText {
  readonly document: Document.Parsed;
  /** From 1. */
  readonly lineOf: (node: Node | null | undefined) => number;
  /** What is wrong with it as YAML, each with its line; `document` holds what could be read all the same. */
  readonly faults: readonly { readonly line: number; readonly problem: string }[];
}

export function readYaml(text: string): YamlText {
  const lines = new LineCounter();
  // Keys that stand twice are found below: the parser names neither.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false, merge: false });
  const lineAt = (offset: number): number => lines.linePos(offset).line;
  const lineOf: YamlText['lineOf'] = (node) => lineAt(node?.range?.[0] ?? 0);
  const wrong = document.errors.map(({ pos, message }) => ({
    line: lineAt(pos[0]),
    problem: `this is not the YAML that is expected: ${message}`,
  }));
  return { document, lineOf, faults: [...wrong, ...repeatedKeys(document, lineOf)] };
}

function repeatedKeys(document: Document.Parsed, lineOf: YamlText['lineOf']): YamlText['faults'] {
  const faults: { line: number; problem: string }[] = [];
  visit(document, {
    Map(_place, { items }) {
      const first = new Map<unknown, number>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        const [line, name] = [lineOf(key), String(key.value)];
        const former = first.get(name);
        if (former === undefined) first.set(name, line);
        else
          faults.push({ line, problem: `the key ${quoted(name)} stands in line ${former} too: it is expected once` });
      }
    },
  });
  return faults;
}
