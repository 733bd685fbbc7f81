/**
 * Whether a program may have its texts replaced by others: each may be put into another text, handed on, kept, given to an
 * Error, and be asked whether it is there, but not compared, taken apart or used as a name. Variables, functions and private
 * members are followed to every use; members that are not private only by `SHOWS`, whose uses have been read. What neither
 * says is refused.
 */
import type { SyntaxNode, SyntaxTree } from './syntax-tree.ts';

/**
 * Members and parameters that are given a text, or give one, and do nothing with it but show it: whoever adds one here has
 * read what all members of this name do.
 */
const SHOWS: ReadonlySet<string> = new Set([
  // Of PacketReader and PacketWriter: the field, or what is wrong with it.
  'title',
  'check',
  'byte',
  'uint16',
  'text',
  'binary',
  'malformed',
  'forbidden',
  // What is attempted, in the errors that say why it failed.
  'attempt',
  'overError',
  // Of the log.
  'line',
]);

/** Throws where one of these literals may be more to the program than something to show; names each such place. */
export function checkTextFlow(tree: SyntaxTree, literals: readonly SyntaxNode[]): void {
  const refused = new TextFlow(tree).refusedPlaces(literals);
  if (refused.length === 0) return;
  const places = refused.map(({ start, end, text }) => `\n  ${text}\n    at ${tree.code.slice(start, end)}`);
  throw new Error(
    `Cannot replace texts that the program may do more with than show them: write it so that tools/text-flow.ts can follow them, or name them in KEPT of tools/error-texts.ts${places.join('')}`,
  );
}

/** A place that a text comes to. */
interface RefusedPlace {
  readonly start: number;
  readonly end: number;
  /** What came there. */
  readonly text: string;
}

class TextFlow {
  readonly #tree: SyntaxTree;
  readonly #seen = new Set<SyntaxNode>();
  readonly #open: SyntaxNode[] = [];
  readonly #refused: RefusedPlace[] = [];
  #from = '';

  constructor(tree: SyntaxTree) {
    this.#tree = tree;
  }

  refusedPlaces(literals: readonly SyntaxNode[]): readonly RefusedPlace[] {
    for (const literal of literals) {
      this.#from = this.#tree.code.slice(literal.start, literal.end);
      this.#follow(literal);
      for (let node = this.#open.pop(); node !== undefined; node = this.#open.pop()) this.#goOn(node);
    }
    return this.#refused;
  }

  /** Has an expression looked at whose value is a text. */
  #follow(node: SyntaxNode): void {
    if (this.#seen.has(node)) return;
    this.#seen.add(node);
    this.#open.push(node);
  }

  #refuse({ start, end }: SyntaxNode): void {
    this.#refused.push({ start, end, text: this.#from });
  }

  /** What is around a text does something with it. */
  #goOn(node: SyntaxNode): void {
    const parent = this.#tree.parentOf(node);
    if (isOnlyAsked(parent, node)) return;
    if (isPassedOn(parent, this.#tree)) this.#follow(parent);
    else if (parent.type === 'ReturnStatement') this.#returned(this.#around(parent, isFunction));
    else if (parent.type === 'ArrowFunctionExpression') this.#returned(parent);
    else if (parent.type === 'VariableDeclarator') this.#stored(parent.id, parent);
    else if (parent.type === 'AssignmentPattern') this.#stored(parent.left, parent);
    else if (parent.type === 'AssignmentExpression') {
      this.#stored(parent.left, parent);
      this.#follow(parent);
    } else if (/^Property(?:Definition)?$/.test(parent.type) && parent.value === node) this.#member(parent.key, parent);
    else if (/^(?:Call|New)Expression$/.test(parent.type)) this.#given(parent, node);
    else {
      this.#refuse(parent);
    }
  }

  /** A text has come into a variable or a field. */
  #stored(target: SyntaxNode, place: SyntaxNode): void {
    if (target.type === 'Identifier') this.#uses(target);
    else if (target.type === 'MemberExpression' && !target.computed) this.#member(target.property, place);
    else if (target.type === 'AssignmentPattern') this.#stored(target.left, place);
    else this.#refuse(place);
  }

  /** Every use of a variable, which is all of its name in the function around it. */
  #uses(variable: SyntaxNode): void {
    for (const node of this.#within(this.#declaredIn(variable))) {
      if (node.type === 'Identifier' && node.name === variable.name && this.#isRead(node)) this.#follow(node);
    }
  }

  /** The innermost function around a variable that declares one of its name. */
  #declaredIn({ name, ...variable }: SyntaxNode): SyntaxNode {
    const scopes = this.#tree.nodes
      .filter((node) => node.type === 'Identifier' && node.name === name && this.#isDeclared(node))
      .map((node) => this.#scopeOf(node))
      .filter(({ start, end }) => start <= variable.start && variable.end <= end);
    return scopes.sort((a, b) => b.start - a.start)[0] ?? this.#tree.nodes[0];
  }

  #isDeclared(node: SyntaxNode): boolean {
    const parent = this.#tree.parentOf(node);
    if (parent.type === 'VariableDeclarator') return parent.id === node;
    if (parent.type === 'AssignmentPattern') return parent.left === node;
    if (parent.type === 'Property')
      return this.#tree.parentOf(parent).type === 'ObjectPattern' && parent.value === node;
    return /^(?:ArrayPattern|RestElement)$/.test(parent.type) || (isFunction(parent) && parent.params.includes(node));
  }

  /** Whether an identifier stands for the value of a variable. */
  #isRead(node: SyntaxNode): boolean {
    const parent = this.#tree.parentOf(node);
    if (parent.type === 'MemberExpression') return parent.object === node || parent.computed;
    if (parent.type === 'Property') {
      return this.#tree.parentOf(parent).type === 'ObjectExpression' && (parent.value === node || parent.computed);
    }
    if (/^(?:MethodDefinition|PropertyDefinition)$/.test(parent.type)) return parent.value === node || parent.computed;
    if (/^(?:AssignmentPattern|AssignmentExpression)$/.test(parent.type)) return parent.right === node;
    if (parent.type === 'VariableDeclarator') return parent.init === node;
    if (/Pattern$|^RestElement$|^Import/.test(parent.type)) return false;
    return !isFunction(parent) || (parent.body === node && parent.type === 'ArrowFunctionExpression');
  }

  /** A text is in a member, or comes from one: every read of a private one, none of one that only shows. */
  #member(key: SyntaxNode, place: SyntaxNode): void {
    if (key.type !== 'PrivateIdentifier' && !SHOWS.has(nameOf(key))) this.#refuse(place);
    if (key.type !== 'PrivateIdentifier') return;
    for (const node of this.#within(this.#classAround(place))) {
      if (node.type !== 'MemberExpression' || nameOf(node.property) !== nameOf(key)) continue;
      const parent = this.#tree.parentOf(node);
      if (parent.type === 'CallExpression' && parent.callee === node) this.#follow(parent);
      else if (parent.type !== 'AssignmentExpression' || parent.left !== node) this.#follow(node);
    }
  }

  /** A text is what a function returns: every call of the function is one. */
  #returned(fn: SyntaxNode): void {
    const parent = this.#tree.parentOf(fn);
    const name: SyntaxNode | undefined = fn.id ?? parent.id ?? parent.left;
    if (/^(?:MethodDefinition|PropertyDefinition|Property)$/.test(parent.type)) this.#member(parent.key, parent);
    else if (name?.type !== 'Identifier') this.#refuse(fn);
    else {
      for (const node of this.#within(this.#scopeOf(parent))) {
        if (node.type === 'CallExpression' && nameOf(node.callee) === name.name) this.#follow(node);
      }
    }
  }

  /** A text is an argument; an Error shows whatever it is made with. */
  #given(call: SyntaxNode, text: SyntaxNode): void {
    const { callee } = call;
    // Nobody calls a text.
    if (callee === text || callee.type === 'Super') return;
    if (call.type === 'NewExpression' && /Error\d*$/.test(nameOf(callee))) return;
    const key = callee.type === 'MemberExpression' && !callee.computed ? callee.property : callee;
    const functions = this.#functionsOf(key, call);
    const isPlain = call.arguments.every(({ type }: SyntaxNode) => type !== 'SpreadElement');
    if (!isPlain || (functions.length === 0 && !SHOWS.has(nameOf(key)))) this.#refuse(call);
    for (const fn of functions) this.#stored(fn.params[call.arguments.indexOf(text)] ?? fn, call);
  }

  /** The function of a name, or the private one of a class. */
  #functionsOf(key: SyntaxNode, call: SyntaxNode): SyntaxNode[] {
    const isPrivate = key.type === 'PrivateIdentifier';
    if (!isPrivate && this.#tree.parentOf(key).type === 'MemberExpression') return [];
    const nodes = isPrivate ? this.#within(this.#classAround(call)) : this.#tree.nodes;
    return nodes.filter((fn) => {
      const parent = this.#tree.parentOf(fn);
      if (!isFunction(fn)) return false;
      if (isPrivate) return nameOf(parent.key) === nameOf(key);
      const scope = this.#scopeOf(parent);
      return nameOf(fn.id ?? parent.id) === nameOf(key) && scope.start <= call.start && call.end <= scope.end;
    });
  }

  #within({ start, end }: SyntaxNode): SyntaxNode[] {
    return this.#tree.nodes.filter((node) => node.start >= start && node.end <= end);
  }

  #classAround(node: SyntaxNode): SyntaxNode {
    return this.#around(node, ({ type }) => type === 'ClassBody');
  }

  #scopeOf(node: SyntaxNode): SyntaxNode {
    return this.#around(node, (one) => isFunction(one) || one.type === 'Program');
  }

  /** The innermost node around another, or that itself, that is such. */
  #around(node: SyntaxNode, isSuch: (node: SyntaxNode) => boolean): SyntaxNode {
    let around = node;
    while (!isSuch(around)) around = this.#tree.parentOf(around);
    return around;
  }
}

/** Whether the value of a node is that of the text in it, or a text with that in it. */
function isPassedOn(node: SyntaxNode, tree: SyntaxTree): boolean {
  switch (node.type) {
    case 'TemplateLiteral':
      // A tag takes the parts.
      return tree.parentOf(node).type !== 'TaggedTemplateExpression';
    case 'BinaryExpression':
      return node.operator === '+';
    case 'ConditionalExpression':
    case 'LogicalExpression':
    case 'AwaitExpression':
      return true;
    default:
      return false;
  }
}

/** Whether a node asks no more than whether the text in it is there, or leaves it alone. */
function isOnlyAsked(node: SyntaxNode, text: SyntaxNode): boolean {
  switch (node.type) {
    case 'IfStatement':
    case 'ThrowStatement':
    case 'ExpressionStatement':
      return true;
    case 'ConditionalExpression':
      return node.test === text;
    case 'UnaryExpression':
      return node.operator === '!' || node.operator === 'typeof';
    case 'BinaryExpression':
      return /^[!=]==$/.test(node.operator) && [node.left, node.right].some(isNothing);
    default:
      return false;
  }
}

function isFunction({ type }: SyntaxNode): boolean {
  return type === 'FunctionDeclaration' || type === 'FunctionExpression' || type === 'ArrowFunctionExpression';
}

/** Whether it says `undefined` or `null`. */
function isNothing(node: SyntaxNode): boolean {
  if (node.type === 'UnaryExpression') return node.operator === 'void';
  return node.type === 'Identifier' ? node.name === 'undefined' : node.type === 'Literal' && node.value === null;
}

/** Of an identifier; private ones with their `#`. */
function nameOf(node: SyntaxNode | null | undefined): string {
  if (node?.type === 'PrivateIdentifier') return `#${node.name}`;
  return node?.type === 'Identifier' ? node.name : '';
}
