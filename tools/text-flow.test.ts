import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { textsIn } from './error-texts.ts';
import { syntaxTree } from './syntax-tree.ts';
import { checkTextFlow } from './text-flow.ts';

function check(code: string): void {
  const tree = syntaxTree(code);
  const literals = textsIn(tree).map(({ node }) => node);
  assert.notEqual(literals.length, 0, 'there is a text in it');
  checkTextFlow(tree, literals);
}

const SHOWN = {
  'put into an Error': 'throw new Error("it broke");',
  'put into another text': 'throw new MqttError("invalid", `Cannot go on: ${a ? "it broke" : b}`);',
  'put behind another text': 'throw new Error("a" + "it broke");',
  'kept in a variable that is asked whether it is there':
    'let why = a ?? "it broke"; if (why !== undefined) throw new Error(why);',
  'given to a function that shows it': 'function fail(why) { throw new Error(why); } fail("it broke");',
  'what a function returns': 'const why = () => "it broke"; throw new Error(why());',
  'a default': 'function fail(code, why = "it broke") { throw new Error(why); } fail(1);',
  'given to a private method, and kept in a private field':
    'class A { #why; #fail(why) { this.#why = why; } go() { this.#fail("it broke"); throw new Error(this.#why); } }',
  'given to a class that is an Error':
    'class OwnError extends Error { constructor(m) { super(m); } } throw new OwnError("it broke");',
  'given to a member that only shows': 'reader.malformed("it broke");',
  'a name that another function has for something else':
    'function a(why) { return why.length; } function b() { const why = "it broke"; throw new Error(why); } a([]); b();',
};

const REFUSED = {
  'is compared': 'if (a === "it broke") b();',
  'is compared from a variable': 'const why = "it broke"; if (a === why) b();',
  'is compared in a function that it is given to': 'function is(why) { return why === a; } is("it broke");',
  'is compared where a function returned it': 'function why() { return "it broke"; } b(why() === a);',
  'is compared as a private field': 'class A { #why = "it broke"; is(a) { return this.#why === a; } }',
  'is a case': 'switch (a) { case "it broke": b(); }',
  'is a name': 'b["it broke"] = 1;',
  'names a property': 'const b = { "it broke": 1 };',
  'names a computed property': 'const b = { ["it broke"]: 1 };',
  'is taken apart': 'b("it broke".split(" "));',
  'is taken apart from a variable': 'const why = "it broke"; const b = why.length;',
  'is asked for in another': 'const b = "it broke" in a;',
  'is given to what is not known': 'postMessage("it broke");',
  'is given to a member that may do anything': 'socket.send("it broke");',
  'is made something else of': 'new Worker("it broke");',
  'is in a list': 'const b = ["it broke"];',
  'is in a member that may be read by anyone': 'const b = { why: "it broke" };',
  'is returned to nobody known': 'a.map(() => "it broke");',
  'has a tag': 'tag`it ${a} broke`;',
  'is compared outside of the function that sets it':
    'function a() { let why; function b() { why = "it broke"; } b(); if (why === c) d(); }',
  'is exported': 'const why = "it broke"; export { why };',
  'is given behind arguments that nobody counted':
    'function fail(why) { throw new Error(why); } fail(...a, "it broke");',
  'is taken for a list': 'const [b] = "it broke";',
};

describe('a text may be replaced that is', () => {
  for (const [title, code] of Object.entries(SHOWN)) test(title, () => check(code));
});

describe('a text is refused that', () => {
  for (const [title, code] of Object.entries(REFUSED))
    test(title, () => assert.throws(() => check(code), /^Error: Cannot replace texts/));
});

test('the refusal names the text, and where it came to', () => {
  const code = 'const why = "it broke"; if (a === why) b();';
  assert.throws(() => check(code), /\n {2}"it broke"\n {4}at a === why$/);
});
