/** What the page `/claim` shows: plain HTML without a script, so that it works everywhere and nothing can run in it. */
import { CODE_CHARACTERS } from '@dunlin/devices';
import { CLAIM_STYLE, CLAIM_STYLE_SOURCE } from './claim-style.ts';
import { Html, html } from './html.ts';
import type { OwnDevice } from './owner-routes.ts';

/** In place of what answers of the API have: styles of its own, forms to itself, and no page around it. */
export const PAGE_HEADERS = {
  'content-security-policy': `default-src 'none'; style-src ${CLAIM_STYLE_SOURCE}; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  // With none at all browsers say nothing of the page that sends a form either.
  'referrer-policy': 'same-origin',
} as const;

/** Something that is told on top of the page. */
export interface Note {
  readonly text: string;
  readonly isBad: boolean;
}

export interface SignInView {
  readonly note?: Note | undefined;
  readonly code: string;
  readonly username: string;
  /** Over a connection that others can read. */
  readonly isPlain: boolean;
}

export interface DevicesView {
  readonly note?: Note | undefined;
  readonly owner: string;
  readonly formToken: string;
  readonly code: string;
  readonly name: string;
  readonly devices: readonly OwnDevice[];
  /** Leads to further devices. */
  readonly cursor: string | undefined;
  readonly nowMs: number;
  /** From so many days before its end on a certificate is shown as ending. */
  readonly warnDays: number;
}

const DAY_MS = 86_400_000;
/** Where somebody begins to type. */
const FOCUS = new Html(' autofocus');
const STYLE = new Html(`<style>${CLAIM_STYLE}</style>`);

export function signInPage({ note, code, username, isPlain }: SignInView): string {
  return page(
    'Sign in',
    undefined,
    html`<h1>Add your device</h1>
<p class="soft">Sign in, then enter the code that the device shows.</p>
${noteHtml(note)}
${isPlain && html`<div class="note bad"><p>This connection is not encrypted: others on the network can read your password.</p></div>`}
<form class="card" method="post" action="/claim/sign-in">
<input type="hidden" name="code" value="${code}">
<label for="username">User name</label>
<input id="username" name="username" value="${username}"${username === '' && FOCUS} autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="256" required>
<label for="password">Password</label>
<input id="password" name="password" type="password"${username !== '' && FOCUS} autocomplete="current-password" maxlength="1024" required>
<button class="wide">Sign in</button>
</form>`,
  );
}

export function devicesPage(view: DevicesView): string {
  const { note, owner, formToken, code, name, devices, cursor } = view;
  return page(
    'Your devices',
    html`<form method="post" action="/claim/sign-out"><input type="hidden" name="formToken" value="${formToken}"><button class="plain">Sign out</button></form>`,
    html`<h1>Add your device</h1>
<p class="soft">Signed in as <bdi>${owner}</bdi>.</p>
${noteHtml(note)}
<form class="card" method="post" action="/claim/confirm">
<input type="hidden" name="formToken" value="${formToken}">
<label for="code">Code</label>
<p class="hint" id="code-hint">${CODE_CHARACTERS} characters, as the device shows them</p>
<input class="code" id="code" name="code" value="${code}"${FOCUS} aria-describedby="code-hint" autocomplete="off" autocapitalize="characters" spellcheck="false" maxlength="12" required>
<label for="name">Name</label>
<p class="hint" id="name-hint">if you like, such as “Living room”</p>
<input id="name" name="name" aria-describedby="name-hint" value="${name}" autocomplete="off" maxlength="256">
${devices.length > 0 && replacesHtml(devices)}
<button class="wide">Add device</button>
</form>
<h2>Your devices</h2>
${devices.length === 0 ? html`<p class="soft">There are none yet.</p>` : html`<ul>${devices.map((one) => deviceHtml(one, view))}</ul>`}
${cursor !== undefined && html`<p><a href="/claim?cursor=${encodeURIComponent(cursor)}">Further devices</a></p>`}`,
  );
}

/** Where there is nothing else to show. */
export function problemPage(text: string): string {
  return page(
    'Not possible',
    undefined,
    html`<h1>This is not possible</h1>${noteHtml({ text, isBad: true })}<p><a href="/claim">Back to your devices</a></p>`,
  );
}

function page(title: string, corner: Html | undefined, content: Html): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${title} – Dunlin</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<link rel="icon" href="data:,">
${STYLE}
</head>
<body>
<header><span class="mark">Dunlin</span>${corner}</header>
<main>
${content}
</main>
</body>
</html>
`.text;
}

function noteHtml(note: Note | undefined): Html | undefined {
  if (note === undefined) return undefined;
  return note.isBad
    ? html`<div class="note bad" role="alert"><p>${note.text}</p></div>`
    : html`<div class="note" role="status"><p>${note.text}</p></div>`;
}

function replacesHtml(devices: readonly OwnDevice[]): Html {
  const options = devices.map(
    ({ registered: { device } }) =>
      html`<option value="${device.id}">${device.name === '' ? device.id : device.name}</option>`,
  );
  return html`<label for="replaces">This is</label>
<select id="replaces" name="replaces"><option value="">a new device</option>
<optgroup label="one of your devices, set up anew">${options}</optgroup></select>`;
}

function deviceHtml(own: OwnDevice, { formToken, nowMs, warnDays }: DevicesView): Html {
  const { id, name, type, enabled } = own.registered.device;
  const hasCertificate = own.certificateEndsAtMs !== undefined;
  const hidden = html`<input type="hidden" name="formToken" value="${formToken}"><input type="hidden" name="device" value="${id}">`;
  return html`<li class="card">
<div class="row"><h3><bdi>${name === '' ? 'Without a name' : name}</bdi></h3>${own.isConnected ? html`<span class="state on">Connected</span>` : html`<span class="state">Not connected</span>`}</div>
<p class="soft"><bdi>${type}</bdi><br><span class="id">${id}</span></p>
${!enabled && html`<p class="warn">Disabled by whoever runs this server.</p>`}
${credentialHtml(own, nowMs, warnDays)}
<div class="acts">
${
  hasCertificate &&
  html`<details><summary>Renew…</summary><p class="soft">A device that is connected renews by itself. If it cannot, carry a new certificate to it: you get a file with its private key, once.</p><form method="post" action="/claim/renew">${hidden}<button>Renew and download</button></form></details>`
}
${
  (hasCertificate || own.hasToken) &&
  html`<details><summary class="bad">Revoke…</summary><p class="soft">The device is disconnected at once and cannot come back until you enter a new code of it. Do this when it is lost or sold.</p><form method="post" action="/claim/revoke">${hidden}<button class="bad">Revoke for good</button></form></details>`
}
</div>
</li>`;
}

function credentialHtml(
  { certificateEndsAtMs, hasToken, renewableUntilMs, isAwaited }: OwnDevice,
  nowMs: number,
  warnDays: number,
): Html {
  if (isAwaited) return html`<p>It fetches its credentials in a moment. If it does not, have it show a new code.</p>`;
  if (certificateEndsAtMs === undefined)
    return hasToken
      ? html`<p>Has a token.</p>`
      : html`<p class="warn">It is locked out: it has no credentials. To use it again, have it show a new code.</p>`;
  const end = dateHtml(certificateEndsAtMs);
  if (certificateEndsAtMs <= nowMs) {
    const can = (renewableUntilMs ?? 0) > nowMs;
    return html`<p class="warn">Certificate expired on ${end}.${can ? ' The device can still renew by itself.' : ' Have it show a new code.'}</p>`;
  }
  const days = Math.ceil((certificateEndsAtMs - nowMs) / DAY_MS);
  return days <= warnDays
    ? html`<p class="warn">Certificate expires on ${end}, in ${days} ${days === 1 ? 'day' : 'days'}.</p>`
    : html`<p>Certificate valid until ${end}.</p>`;
}

const DATES = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeZone: 'UTC' });

function dateHtml(ms: number): Html {
  return html`<time datetime="${new Date(ms).toISOString()}">${DATES.format(ms)}</time>`;
}
