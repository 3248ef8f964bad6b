import type { Session, SignedInPerson } from './session.ts';

/** Somebody to try the app as. `code` is what their authenticator app shows now, for as many seconds. */
export type PersonToPlay = {
  name: string;
  identifier: string;
  password: string;
  code?: { digits: string; secondsLeft: number } | undefined;
};

type Home = { brand: string; session: Session; people: PersonToPlay[] };

export function homePage({ brand, session, people }: Home): string {
  const { person, problem } = session;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Paperplane</title>
<link rel="icon" href="/plane.svg" type="image/svg+xml">
<link rel="stylesheet" href="/style.css">
</head>
<body>
<header><a class="brand" href="/"><img src="/plane.svg" alt="" width="28" height="28">Paperplane</a>
${person ? `<form method="post" action="/sign-out"><button class="quiet">Sign out</button></form>` : ''}</header>
<main>
${problem ? `<p class="problem" role="alert">${escaped(problem)}</p>` : ''}
${person ? signedIn(person) : welcome(brand)}
${person || people.length === 0 ? '' : tryItAs(brand, people)}
${session.events.length > 0 ? whatHappened(session) : ''}
</main>
<footer><p>Paperplane is a demonstration. It runs on this computer only and sends no postcards.</p></footer>
${people.some(({ code }) => code) && !person ? '<script src="/codes.js" defer></script>' : ''}
</body>
</html>
`;
}

function welcome(brand: string): string {
  return `<section class="hero">
<div>
<h1>Real postcards, from wherever you are</h1>
<p class="lead">Pick a picture, write a line, and we print and post it. Sign in and we know where you live, so that friends can write back.</p>
<form method="post" action="/sign-in"><button class="sign-in">${key}Sign in with ${escaped(brand)}</button></form>
<p class="small">You choose what Paperplane gets to see.</p>
</div>
${card({ line: 'Wish you were here!', to: ['You', 'Wherever you are'] })}
</section>`;
}

function signedIn({ claims, refreshes, refreshToken, expiresAt }: SignedInPerson): string {
  const name = textOf(claims['given_name'] ?? claims['name'] ?? claims['email'] ?? claims['sub']);
  const address = (claims['address'] ?? {}) as Record<string, unknown>;
  const lines = (typeof address['formatted'] === 'string' ? address['formatted'].split('\n') : []).slice(
    0,
    4,
  );
  const refresh = refreshToken
    ? '<form method="post" action="/refresh"><button class="secondary">Refresh the access</button></form>'
    : '<p class="small">You did not allow access while you are away, so there is nothing to refresh.</p>';
  return `<section class="hero">
<div>
<h1>Hello, ${escaped(name)}</h1>
<p class="lead">You are signed in. Your access lasts until <strong>${timeOf(expiresAt)}</strong>${
    refreshes > 0
      ? ` and was refreshed <strong>${refreshes === 1 ? 'once' : `${refreshes} times`}</strong>`
      : ''
  }.</p>
${refresh}
</div>
${card({
  line: lines.length > 0 ? 'Your next postcard goes here.' : 'You kept your address to yourself.',
  to: [textOf(claims['name'] ?? name), ...lines],
})}
</section>
<section class="panel">
<h2>What Paperplane received</h2>
<dl class="claims">${Object.entries(claims)
    .map(([claim, value]) => `<div><dt>${escaped(claim)}</dt><dd>${escaped(textOf(value))}</dd></div>`)
    .join('\n')}</dl>
</section>`;
}

function card({ line, to }: { line: string; to: string[] }): string {
  return `<div class="postcard">
<p class="hand">${escaped(line)}</p>
<div class="to"><span class="stamp"><img src="/plane.svg" alt="" width="34" height="34"></span>
<p>${to.map(escaped).join('<br>')}</p></div>
</div>`;
}

function tryItAs(brand: string, people: PersonToPlay[]): string {
  return `<section class="panel">
<h2>Try it as</h2>
<p class="small">This is shown because it is a demonstration on your own computer. A real app never sees a password, nor any code.</p>
<div class="people">${people
    .map(
      ({ name, identifier, password, code }) => `<div class="person">
<h3>${escaped(name)}</h3>
<dl>
<div><dt>E-mail</dt><dd><code>${escaped(identifier)}</code></dd></div>
<div><dt>Password</dt><dd><code>${escaped(password)}</code></dd></div>
<div><dt>Second step</dt><dd>${
        code
          ? `<code class="code" data-person="${escaped(identifier)}">${escaped(code.digits)}</code> <span class="small" data-left="${escaped(identifier)}">for ${code.secondsLeft} s more</span>`
          : '<span class="small">none set up</span>'
      }</dd></div>
</dl></div>`,
    )
    .join('\n')}</div>
<p class="small">The code is what the authenticator app would show now. Each code works once, and ${escaped(brand)} still takes it half a minute after it changed.</p>
</section>`;
}

function whatHappened({ events }: Session): string {
  return `<section class="panel">
<h2>What happened</h2>
<ol class="events">${events
    .map(
      ({ at, title, detail }) =>
        `<li><time datetime="${at.toISOString()}">${timeOf(at)}</time><div><strong>${escaped(title)}</strong><p>${escaped(detail)}</p></div></li>`,
    )
    .join('\n')}</ol>
</section>`;
}

const key =
  '<svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round"><circle cx="8.5" cy="8.5" r="4.5"/><path d="m11.7 11.7 8.3 8.3M16.8 16.8l-2.3 2.3"/></svg>';

function timeOf(at: Date): string {
  return at.toTimeString().slice(0, 8);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
