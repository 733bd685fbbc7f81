/** How the page `/claim` looks: in the page itself, allowed by its hash, so that nothing else of style can come in. */
import { createHash } from 'node:crypto';

export const CLAIM_STYLE = `
:root{color-scheme:light dark;--ink:#16211d;--soft:#54645d;--paper:#f3f5f2;--card:#fff;--line:#d5ddd7;--deep:#0b6b4f;--on-deep:#fff;--warn:#9a3412;--warn-paper:#fff1e8;--good-paper:#e5f4ec}
@media(prefers-color-scheme:dark){:root{--ink:#e8eeea;--soft:#a3b3ab;--paper:#101613;--card:#19221e;--line:#33413a;--deep:#5fd3a8;--on-deep:#06281c;--warn:#ffb48a;--warn-paper:#3a2216;--good-paper:#16362a}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:1.0625rem/1.5 system-ui,sans-serif}
header,main{max-width:34rem;margin:0 auto;padding:1rem}
header{display:flex;align-items:center;justify-content:space-between;gap:1rem}
.mark{font-weight:700;letter-spacing:.01em}
main{padding-top:0}
h1{font-size:1.6rem;line-height:1.2;margin:.5rem 0 .25rem}
h2{font-size:1.15rem;margin:2rem 0 .5rem}
h3{font-size:1.05rem;margin:0;overflow-wrap:anywhere}
p{margin:.25rem 0 .75rem}
.soft{color:var(--soft);font-size:.95rem}
.card,.note{background:var(--card);border:1px solid var(--line);border-radius:.9rem;padding:1.1rem;margin:.75rem 0}
.note{border-left:.35rem solid var(--deep);background:var(--good-paper)}
.note.bad{border-left-color:var(--warn);background:var(--warn-paper)}
.note p{margin:0}
label{display:block;font-weight:600;margin:.9rem 0 .3rem}
input[type=hidden]+label{margin-top:0}
.hint{margin:-.25rem 0 .4rem;color:var(--soft);font-size:.9rem}
input,select{width:100%;min-height:3rem;padding:.6rem .8rem;font:inherit;color:inherit;background:var(--paper);border:1px solid var(--soft);border-radius:.6rem}
input.code{font:600 1.7rem/1.2 ui-monospace,monospace;letter-spacing:.3em;text-align:center;text-transform:uppercase}
button{min-height:3rem;padding:.6rem 1.2rem;font:inherit;font-weight:600;border-radius:.6rem;border:1px solid var(--deep);background:var(--deep);color:var(--on-deep);cursor:pointer}
button.wide{width:100%;margin-top:1.1rem}
button.plain{background:transparent;color:var(--deep)}
button.bad{background:transparent;border-color:var(--warn);color:var(--warn)}
:focus-visible{outline:3px solid var(--deep);outline-offset:2px}
ul{list-style:none;margin:0;padding:0}
.row{display:flex;align-items:baseline;justify-content:space-between;gap:1rem}
.state{white-space:nowrap;font-size:.9rem;color:var(--soft)}
.state.on{color:var(--deep);font-weight:600}
.id{overflow-wrap:anywhere;font:.85rem/1.4 ui-monospace,monospace;color:var(--soft)}
.warn{color:var(--warn);font-weight:600}
.acts{display:flex;flex-wrap:wrap;gap:.6rem;align-items:flex-start;margin-top:.9rem}
details{border:1px solid var(--line);border-radius:.6rem;flex:1 1 9rem}
summary{min-height:3rem;padding:.6rem 1rem;cursor:pointer;font-weight:600}
details>*:not(summary){margin:.25rem 1rem 1rem}
summary.bad{color:var(--warn)}
footer{max-width:34rem;margin:1rem auto;padding:0 1rem 2rem}
`;

/** The source that Content-Security-Policy allows. */
export const CLAIM_STYLE_SOURCE = `'sha256-${createHash('sha256').update(CLAIM_STYLE).digest('base64')}'`;
