/**
 * Just enough of HTML to read our own pages as a browser without scripts does: their text, links and forms. It knows no
 * broken markup; a page of ours that it cannot read is a page to repair.
 */
export type Control = { name: string; value: string; kind: string; checked: boolean };
export type Button = { name: string | undefined; value: string; label: string };
export type Form = { action: string; method: string; controls: Control[]; buttons: Button[] };

type Attributes = Record<string, string>;
type Piece =
  | { is: 'open'; tag: string; attributes: Attributes }
  | { is: 'close'; tag: string }
  | { is: 'text'; text: string };

const unclosed = new Set(['input', 'br', 'hr', 'img', 'meta', 'link', 'path', 'circle', 'rect']);

export class HtmlPage {
  readonly source: string;
  readonly #pieces: Piece[];

  constructor(source: string) {
    this.source = source;
    this.#pieces = piecesOf(source);
  }

  /** The text of the first element that fits; undefined when there is none. */
  textOf(tag: string, attributes: Attributes = {}): string | undefined {
    const at = this.#find(tag, attributes);
    return at === undefined ? undefined : this.#textAt(at);
  }

  /** The texts of all elements of this kind. */
  textsOf(tag: string, attributes: Attributes = {}): string[] {
    return this.#all(tag, attributes).map((at) => this.#textAt(at));
  }

  /** Everything that a reader sees. */
  get text(): string {
    const main = this.#find('main', {});
    return main === undefined ? squeeze(textIn(this.#pieces)) : this.#textAt(main);
  }

  attribute(tag: string, attributes: Attributes, name: string): string | undefined {
    const at = this.#find(tag, attributes);
    const piece = at === undefined ? undefined : this.#pieces[at];
    return piece?.is === 'open' ? piece.attributes[name] : undefined;
  }

  get links(): { href: string; label: string }[] {
    return this.#all('a', {}).map((at) => ({
      href: this.#attributesAt(at)['href'] ?? '',
      label: this.#attributesAt(at)['aria-label'] ?? this.#textAt(at),
    }));
  }

  get forms(): Form[] {
    return this.#all('form', {}).map((at) => {
      const { action = '', method = 'get' } = this.#attributesAt(at);
      const inside = this.#all('', {}).filter((one) => one > at && one < this.#endOf(at));
      return {
        action,
        method: method.toLowerCase(),
        controls: inside.flatMap((one) => this.#controlAt(one)),
        buttons: inside.flatMap((one) => this.#buttonAt(one)),
      };
    });
  }

  #controlAt(at: number): Control[] {
    const { name, type = 'text', value, checked } = this.#attributesAt(at);
    const tag = this.#tagAt(at);
    if (name === undefined || !['input', 'textarea', 'select'].includes(tag)) return [];
    if (tag === 'select') return [{ name, kind: 'select', value: this.#chosenIn(at), checked: true }];
    if (tag === 'textarea') return [{ name, kind: 'text', value: this.#textAt(at), checked: true }];
    const ticks = type === 'checkbox' || type === 'radio';
    return [
      { name, kind: type, value: value ?? (ticks ? 'on' : ''), checked: !ticks || checked !== undefined },
    ];
  }

  #chosenIn(at: number): string {
    const options = this.#all('option', {}).filter((one) => one > at && one < this.#endOf(at));
    const chosen = options.find((one) => this.#attributesAt(one)['selected'] !== undefined) ?? options[0];
    return chosen === undefined ? '' : (this.#attributesAt(chosen)['value'] ?? this.#textAt(chosen));
  }

  #buttonAt(at: number): Button[] {
    const { name, type = 'submit', value = '', 'aria-label': spoken } = this.#attributesAt(at);
    if (this.#tagAt(at) !== 'button' || type !== 'submit') return [];
    return [{ name, value, label: spoken ?? this.#textAt(at) }];
  }

  #find(tag: string, attributes: Attributes): number | undefined {
    return this.#all(tag, attributes)[0];
  }

  #all(tag: string, attributes: Attributes): number[] {
    return this.#pieces.flatMap((piece, at) => {
      if (piece.is !== 'open' || (tag !== '' && piece.tag !== tag)) return [];
      return Object.entries(attributes).every(([name, value]) => piece.attributes[name] === value)
        ? [at]
        : [];
    });
  }

  #tagAt(at: number): string {
    const piece = this.#pieces[at];
    return piece?.is === 'open' ? piece.tag : '';
  }

  #attributesAt(at: number): Attributes {
    const piece = this.#pieces[at];
    return piece?.is === 'open' ? piece.attributes : {};
  }

  #textAt(at: number): string {
    return squeeze(textIn(this.#pieces.slice(at, this.#endOf(at))));
  }

  #endOf(start: number): number {
    const tag = this.#tagAt(start);
    let depth = 0;
    for (let at = start; at < this.#pieces.length; at += 1) {
      const piece = this.#pieces[at];
      if (piece?.is === 'open' && piece.tag === tag && !unclosed.has(tag)) depth += 1;
      if (piece?.is === 'close' && piece.tag === tag) depth -= 1;
      if (depth <= 0) return at;
    }
    throw new Error(`<${tag}> is never closed`);
  }
}

function piecesOf(source: string): Piece[] {
  const silent = source
    .replace(/<!--[\s\S]*?-->/g, '')
    .replace(/(<(script|style)\b[^>]*>)[\s\S]*?(<\/\2>)/gi, '$1$3');
  const pieces: Piece[] = [];
  for (const [whole, closing, tag = '', attributes = ''] of silent.matchAll(
    /<(\/?)([a-zA-Z][a-zA-Z0-9-]*)((?:"[^"]*"|'[^']*'|[^'">])*)>|[^<]+|</g,
  )) {
    if (tag === '') pieces.push({ is: 'text', text: decode(whole) });
    else if (closing) pieces.push({ is: 'close', tag: tag.toLowerCase() });
    else pieces.push({ is: 'open', tag: tag.toLowerCase(), attributes: attributesOf(attributes) });
  }
  return pieces;
}

function attributesOf(text: string): Attributes {
  const found: Attributes = {};
  for (const [, name = '', quoted, single, bare] of text.matchAll(
    /([^\s=/"'>]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g,
  ))
    found[name.toLowerCase()] = decode(quoted ?? single ?? bare ?? '');
  return found;
}

const names: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00a0' };

function decode(text: string): string {
  return text.replace(/&(?:#(\d+)|#x([0-9a-f]+)|([a-z]+));/gi, (whole, decimal, hex, name) => {
    if (name) return names[name] ?? whole;
    return String.fromCodePoint(decimal ? Number(decimal) : Number.parseInt(hex, 16));
  });
}

function textIn(pieces: readonly Piece[]): string {
  return pieces.map((piece) => (piece.is === 'text' ? piece.text : ' ')).join('');
}

function squeeze(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
