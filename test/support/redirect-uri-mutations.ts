/** A small random generator whose every run can be had again by its seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

// What parsers disagree on: delimiters, dots and slashes of other alphabets, controls, escapes, halves of pairs.
const pieces = [
  ...'/\\?#@:;&=%.*[]<>{}|^` "\'+,~!$()-_0aZ\t\n\r\0\u007f',
  ...['%00', '%0a', '%09', '%2e', '%2F', '%5c', '%40', '%23', '%3f', '%252f', '%C0%AF', '%ff', '%e0%80%af'],
  ...['..', '../', '/..;/', '//', '///', '\\/', '\\\\', '/./', ':443', ':80', ':0', ':99999', ':', ':8080'],
  ...[
    '.evil.test',
    '@evil.test',
    '#@evil.test',
    '?.evil.test',
    'evil.test/',
    'javascript:',
    'https://',
    'http:',
  ],
  ...[
    '\u3002',
    '\uff0f',
    '\uff20',
    '\u2044',
    '\u00ad',
    '\u200d',
    '\u202e',
    '\ufeff',
    '\uff52',
    '\u0130',
    '\ud800',
  ],
  ...[
    'xn--',
    '&redirect_uri=',
    'localhost',
    '127.0.0.1',
    '[::1]',
    '127.1',
    '0',
    '[::ffff:7f00:1]',
    'user:pw@',
  ],
];

/** One address made from a registered one by one to four small changes, or none. */
export function mutated(random: () => number, registered: readonly string[]): string {
  const pick = <Item>(list: readonly Item[]) => list[Math.floor(random() * list.length)] as Item;
  let uri = pick(registered);
  for (let changes = Math.floor(random() * 5); changes > 0; changes -= 1) {
    const at = Math.floor(random() * (uri.length + 1));
    const [before, after] = [uri.slice(0, at), uri.slice(at)];
    const change = Math.floor(random() * 8);
    if (change === 0) uri = before + pick(pieces) + after;
    if (change === 1) uri = before + after.slice(1);
    if (change === 2) uri = before + pick(pieces) + after.slice(1);
    if (change === 3) uri = random() < 0.5 ? uri + pick(pieces) : pick(pieces) + uri;
    if (change === 4) uri = before + (random() < 0.5 ? after.toUpperCase() : after.toLowerCase());
    if (change === 5)
      uri = before + encodeURIComponent((after[0] ?? '').replace(/[\ud800-\udfff]/, '')) + after.slice(1);
    if (change === 6)
      uri = uri.replace(
        /^(https?:\/\/[^/?#:]*|https?:\/\/\[::1\])(:\d*)?/,
        `$1:${Math.floor(random() * 70_000)}`,
      );
    if (change === 7) uri = before + pick(registered).slice(at);
  }
  return uri;
}

/**
 * Which of them must be taken: what is registered, letter by letter; and for a native app on loopback, what differs in the
 * port alone (RFC 8252 section 7.3). Written without a parser, so that it shares no mistake with one.
 */
export function mustBeTaken(uri: string, registered: readonly string[], native: boolean): boolean {
  if (registered.includes(uri)) return true;
  if (!native) return false;
  const without = withoutPort(uri);
  return without !== undefined && registered.some((known) => withoutPort(known) === without);
}

function withoutPort(uri: string): string | undefined {
  const parts = /^(http:\/\/(?:127\.0\.0\.1|\[::1\]|localhost))(?::(\d*))?((?:[/?#].*)?)$/s.exec(uri);
  if (!parts || Number(parts[2] || 0) > 65_535) return undefined;
  return `${parts[1]}${parts[3]}`;
}
