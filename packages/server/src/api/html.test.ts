import assert from 'node:assert/strict';
import { test } from 'node:test';
import { html } from './html.ts';

test('what is no HTML itself is escaped, in text and in attributes', () => {
  const name = `<img src=x onerror="alert('1')">&`;
  const escaped = '&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;';
  assert.equal(html`<a title="${name}">${name}</a>`.text, `<a title="${escaped}">${escaped}</a>`);
});

test('HTML in HTML stays what it is, lists too, and what is not there is nothing', () => {
  const items = ['a', '<b>'].map((one) => html`<li>${one}</li>`);
  assert.equal(html`<ul>${items}</ul>${undefined}${false}${7}`.text, '<ul><li>a</li><li>&lt;b&gt;</li></ul>7');
});
