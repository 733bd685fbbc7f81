/** A configuration file in the making: values by path, each with a remark that says where it comes from. */
import { Document, isMap, isScalar, isSeq, type Node, type Pair } from 'yaml';

type Path = readonly (string | number)[];

interface Remark {
  readonly path: Path;
  /** Behind the value. */
  readonly behind: string | undefined;
  /** Lines above it. */
  readonly above: readonly string[];
}

/** Where a value comes from. */
export interface Origin {
  /** Line of the original. */
  readonly line?: number | undefined;
  /** What a reader should know. */
  readonly above?: readonly string[];
}

export class ConfigurationDraft {
  readonly #values: Record<string, unknown> = {};
  readonly #remarks: Remark[] = [];

  /** Sets a value of a group; groups and lists on its path are made. A text is one that means itself: `${` in it is escaped. */
  set(path: Path, value: unknown, { line, above = [] }: Origin = {}): void {
    let holder = this.#values as Record<string | number, unknown>;
    for (const [index, step] of path.slice(0, -1).entries()) {
      holder[step] ??= typeof path[index + 1] === 'number' ? [] : {};
      holder = holder[step] as Record<string | number, unknown>;
    }
    holder[path[path.length - 1]] = escaped(value);
    this.#remarks.push({ path, behind: line === undefined ? undefined : `from line ${line}`, above });
  }

  /** The whole as YAML, with lines of comment before and behind it. */
  text(before: readonly string[], behind: readonly string[]): string {
    const document = new Document(this.#values);
    for (const remark of this.#remarks) attach(document, remark);
    if (isMap(document.contents))
      for (const { key } of document.contents.items.slice(1) as unknown as Pair<Node, Node>[]) key.spaceBefore = true;
    const body = document.toString({ lineWidth: 0, flowCollectionPadding: false });
    return [
      ...before.map(comment),
      '',
      body.trimEnd(),
      ...(behind.length > 0 ? ['', ...behind.map(comment)] : []),
      '',
    ].join('\n');
  }
}

function comment(text: string): string {
  return text === '' ? '#' : `# ${text}`;
}

/** In a configuration file `${NAME}` is a variable. */
function escaped(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(escaped);
  return typeof value === 'string' ? value.replaceAll('${', () => '$${') : value;
}

function attach(document: Document, { path, behind, above }: Remark): void {
  const [parentPath, last] = [path.slice(0, -1), path[path.length - 1]];
  const parent = parentPath.length === 0 ? document.contents : document.getIn(parentPath, true);
  if (!isMap(parent)) return;
  const pair = (parent.items as Pair<Node, Node>[]).find(({ key }) => isScalar(key) && key.value === last);
  if (pair?.value) attachTo(pair.key, pair.value, behind, above);
}

function attachTo(first: Node, value: Node, behind: string | undefined, above: readonly string[]): void {
  if (isSeq(value) && value.items.every(isScalar)) value.flow = true;
  if (above.length > 0) first.commentBefore = above.map((line) => ` ${line}`).join('\n');
  if (behind !== undefined) value.comment = ` ${behind}`;
}
