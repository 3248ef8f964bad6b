import { CookieJar } from 'tough-cookie';
import { type Form, HtmlPage } from './html.ts';
import { type Answer, newAddress, send } from './wire.ts';

/** Where a person can get to: the port on 127.0.0.1 that answers for an origin, undefined for the world outside. */
export type Reach = (origin: string) => number | undefined;
export type Fields = Record<string, string | readonly string[] | undefined>;
export type Credentials = { identifier: string; password: string; code?: string | undefined };

const browserName =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36';

/**
 * Somebody with a browser of their own that runs no scripts. It keeps cookies, follows redirects, and says where a
 * request comes from as browsers do (Sec-Fetch-Site, Origin). Verbs read as a story; what is seen after them is
 * `heading`, `alert` and the rest. An address outside the test's world is where the person `left` for, such as an app's
 * redirect URI: it is noted and not visited.
 */
export class Person {
  readonly address: string;
  readonly cookies = new CookieJar();
  /** Every Set-Cookie header that was received, as it was written. */
  readonly setCookies: string[] = [];
  /** Every request of this browser, the newest last. */
  readonly history: { method: string; url: string; status: number }[] = [];
  left: URL | undefined;
  readonly #reach: Reach;
  readonly #language: string;
  readonly #userAgent: string;
  #page: { url: string; answer: Answer; html: HtmlPage } | undefined;

  constructor({
    reach,
    address = newAddress(),
    language = 'en',
    userAgent = browserName,
  }: {
    reach: Reach;
    address?: string;
    language?: string;
    userAgent?: string;
  }) {
    this.#reach = reach;
    this.address = address;
    this.#language = language;
    this.#userAgent = userAgent;
  }

  /** Types an address, or opens a bookmark. */
  async goes(url: string | URL): Promise<this> {
    return this.#travels({ url: new URL(url, this.#page?.url), method: 'GET', from: undefined });
  }

  /** Comes from a page of somebody else's, by a link there or a form that it sends. */
  async isSentTo(
    url: string | URL,
    { form, from = 'https://evil.test' }: { form?: Fields; from?: string } = {},
  ) {
    const body = form && toForm(form);
    return this.#travels({ url: new URL(url), method: body ? 'POST' : 'GET', body, from });
  }

  /** Fills in the form that has these fields, or the page's first, and presses its first button, or the one named. */
  async submits(fields: Fields = {}, { button }: { button?: string } = {}): Promise<this> {
    const names = Object.keys(fields);
    const form = this.html.forms.find(
      ({ method, controls, buttons }) =>
        method === 'post' &&
        names.every((name) => [...controls, ...buttons].some((one) => one.name === name)) &&
        (button === undefined || buttons.some(({ label }) => label === button)),
    );
    if (!form)
      throw new Error(`no form with ${names.join(', ') || button || 'a button'} on ${this.#whatIsSeen()}`);
    return this.#sends(form, fields, button);
  }

  /** Presses a button by its words, leaving the form around it as it is. */
  async presses(button: string): Promise<this> {
    return this.submits({}, { button });
  }

  /** Follows a link by its words. */
  async follows(label: string): Promise<this> {
    const link = this.html.links.find((one) => one.label === label);
    if (!link) throw new Error(`no link "${label}" on ${this.#whatIsSeen()}`);
    return this.#travels({
      url: new URL(link.href, this.url),
      method: 'GET',
      from: new URL(this.url).origin,
    });
  }

  /** Signs in on the page that is shown, with the second step where it is asked. */
  async signsIn({ identifier, password, code }: Credentials): Promise<this> {
    await this.submits({ identifier, password });
    if (code !== undefined) await this.submits({ code });
    return this;
  }

  /** Presses Allow or Do not allow on the consent page; `scope` are the optional scopes left ticked. */
  async decides(decision: 'allow' | 'deny', { scope }: { scope?: readonly string[] } = {}): Promise<this> {
    return this.submits({ decision, ...(scope ? { scope } : {}) });
  }

  get url(): string {
    return this.#shown().url;
  }

  get path(): string {
    return new URL(this.url).pathname;
  }

  get status(): number {
    return this.#shown().answer.status;
  }

  get headers(): Answer['headers'] {
    return this.#shown().answer.headers;
  }

  get html(): HtmlPage {
    return this.#shown().html;
  }

  /** The page's name. */
  get heading(): string | undefined {
    return this.html.textOf('h1');
  }

  get alert(): string | undefined {
    return this.html.textOf('', { role: 'alert' });
  }

  get text(): string {
    return this.html.text;
  }

  /** The stable code of an error page. */
  get errorCode(): string | undefined {
    return this.html.attribute('meta', { name: 'latchkey-error' }, 'content');
  }

  cookieHeader(url: string = this.url): string {
    return this.cookies.getCookieStringSync(url);
  }

  #shown() {
    if (!this.#page)
      throw new Error(this.left ? `the person left for ${this.left}` : 'nothing was visited yet');
    return this.#page;
  }

  #whatIsSeen(): string {
    return `${this.url}: ${this.status} ${this.heading ?? ''}`;
  }

  #sends(form: Form, fields: Fields, label: string | undefined): Promise<this> {
    const pressed = form.buttons.find((one) =>
      label === undefined ? isSaid(one, fields) : one.label === label,
    );
    const kept = form.controls.filter(({ name, checked }) => checked && !Object.hasOwn(fields, name));
    const body = toForm(fields);
    for (const { name, value } of kept) body.append(name, value);
    const { name, value } = pressed ?? {};
    if (name && !Object.hasOwn(fields, name)) body.append(name, value ?? '');
    const url = new URL(form.action, this.url);
    return this.#travels({ url, method: 'POST', body, from: new URL(this.url).origin });
  }

  async #travels(start: {
    url: URL;
    method: string;
    body?: URLSearchParams | undefined;
    from: string | undefined;
  }): Promise<this> {
    let { url, method, body } = start;
    let site = start.from === undefined ? 'none' : siteOf(start.from, url);
    this.left = undefined;
    for (let hops = 0; hops < 20; hops += 1) {
      const port = this.#reach(url.origin);
      if (port === undefined) {
        this.left = url;
        this.#page = undefined;
        return this;
      }
      const answer = await this.#asks({ url, method, body, site, from: start.from, port });
      const { location } = answer.headers;
      if (location === undefined || answer.status < 300 || answer.status > 399) {
        this.#page = { url: url.href, answer, html: new HtmlPage(answer.text) };
        return this;
      }
      const next = new URL(location, url);
      // Once a chain has touched another site it stays cross-site (W3C Fetch Metadata section 2.3).
      if (site !== 'none' && siteOf(url.origin, next) !== 'same-origin') site = siteOf(url.origin, next);
      if (answer.status < 307) [method, body] = ['GET', undefined];
      url = next;
    }
    throw new Error(`sent round in a circle at ${url}`);
  }

  async #asks(what: {
    url: URL;
    method: string;
    body: URLSearchParams | undefined;
    site: string;
    from: string | undefined;
    port: number;
  }): Promise<Answer> {
    const { url, method, body, site, from, port } = what;
    const cookie = await this.cookies.getCookieString(url.href);
    const answer = await send(url, {
      method,
      port,
      ...(body ? { body } : {}),
      headers: {
        accept: 'text/html,application/xhtml+xml',
        'accept-language': this.#language,
        'user-agent': this.#userAgent,
        'x-forwarded-for': this.address,
        'sec-fetch-site': site,
        'sec-fetch-mode': 'navigate',
        'sec-fetch-dest': 'document',
        ...(method === 'POST' && from ? { origin: from } : {}),
        ...(cookie ? { cookie } : {}),
      },
    });
    this.history.push({ method, url: url.href, status: answer.status });
    for (const line of answer.headers['set-cookie'] ?? []) {
      this.setCookies.push(line);
      await this.cookies.setCookie(withItsEnd(line), url.href);
    }
    return answer;
  }
}

/** The jar counts Max-Age from when the system's clock last saw the cookie used; a test may have moved ours. */
function withItsEnd(line: string): string {
  return line.replace(/Max-Age=(\d+)/i, (_, seconds) => {
    const end = new Date(Number(seconds) > 0 ? Date.now() + 1000 * Number(seconds) : 0);
    return `Expires=${end.toUTCString()}`;
  });
}

function isSaid({ name, value }: { name: string | undefined; value: string }, fields: Fields): boolean {
  return name === undefined || !Object.hasOwn(fields, name) || fields[name] === value;
}

function toForm(fields: Fields): URLSearchParams {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(fields))
    for (const one of typeof value === 'string' ? [value] : (value ?? [])) form.append(name, one);
  return form;
}

function siteOf(from: string, to: URL): string {
  if (from === to.origin) return 'same-origin';
  const { protocol, hostname } = new URL(from);
  return protocol === to.protocol && hostname === to.hostname ? 'same-site' : 'cross-site';
}
