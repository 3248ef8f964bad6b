/**
 * What browsers say of themselves is long and mostly the same: the usual pieces have a sign each. A name that has one of
 * these signs in it is kept as it is, after a `=`. Pieces may be added at the end and never change.
 */
const pieces: readonly [sign: string, piece: string][] = [
  ['{', 'Mozilla/5.0 ('],
  ['}', ') AppleWebKit/537.36 (KHTML, like Gecko) Chrome/'],
  ['|', ' Safari/537.36'],
  ['~', 'Windows NT 10.0; Win64; x64'],
  ['^', 'Macintosh; Intel Mac OS X 10_15_7'],
  ['`', 'X11; Linux x86_64'],
  ['$', 'Linux; Android 10; K'],
  ['@', '.0.0.0'],
  ['#', ') Gecko/20100101 Firefox/'],
  ['*', ') AppleWebKit/605.1.15 (KHTML, like Gecko) Version/'],
  ['<', ' Mobile/15E148 Safari/604.1'],
  ['>', 'iPhone; CPU iPhone OS '],
  ['%', ' like Mac OS X'],
];

const signs = /[{}|~^`$@#*<>%]/g;
const anySign = /^=|[{}|~^`$@#*<>%]/;
const pieceOf = new Map(pieces);

export const browserNames = {
  write(name: string): string {
    if (anySign.test(name)) return `=${name}`;
    return pieces.reduce((short, [sign, piece]) => short.replace(piece, sign), name);
  },
  read(short: string): string {
    if (short.startsWith('=')) return short.slice(1);
    return short.replace(signs, (sign) => pieceOf.get(sign) ?? sign);
  },
};
