/** Bodies that no browser sends from a form of ours, and values that no person types, by what they are. */
export type Malformed = {
  body: string | Buffer;
  headers: Record<string, string>;
  /** The statuses that say no; empty when the value may as well be taken. */
  refusedWith: number[];
};

export const markup = '"><img src=x onerror=alert(7193)>';
const form = 'application/x-www-form-urlencoded';
const mega = 'a'.repeat(1024 * 1024);

function filled(fields: readonly string[], value: string): string {
  return fields.map((name) => `${name}=${value}`).join('&');
}

/** `fields`: the names that the form has. */
export function malformedBodies(fields: readonly string[]): Record<string, Malformed> {
  const [first = 'x'] = fields;
  const others = filled(fields.slice(1), 'something');
  const withFirst = (pair: string) => [pair, others].filter(Boolean).join('&');
  const refused = (body: string | Buffer, ...refusedWith: number[]): Malformed => ({
    body,
    headers: { 'content-type': form },
    refusedWith,
  });
  const typed = (
    type: string | undefined,
    body: string | Buffer = filled(fields, 'something'),
  ): Malformed => ({
    body,
    headers: type === undefined ? {} : { 'content-type': type },
    refusedWith: [415],
  });
  const taken = (value: string): Malformed => refused(filled(fields, encodeURIComponent(value)));
  return {
    'a NUL in a value': refused(withFirst(`${first}=ab%00cd`), 400),
    'a NUL in a name': refused(withFirst(`${first}%00=abcd`), 400),
    'a bare NUL': refused(Buffer.from(`${first}=ab\0cd`), 400),
    'bytes that are not UTF-8': refused(withFirst(`${first}=%ff`), 400),
    'bare bytes that are not UTF-8': refused(Buffer.from(`${first}=\xff\xfe`, 'latin1'), 400),
    'an overlong slash': refused(withFirst(`${first}=%c0%af`), 400),
    'half a surrogate pair': refused(withFirst(`${first}=%ed%a0%80`), 400),
    'a broken escape': refused(withFirst(`${first}=%zz`), 400),
    'an escape cut off': refused(withFirst(`${first}=%`), 400),
    'a noncharacter': refused(withFirst(`${first}=%ef%bf%be`), 400),
    'an ANSI escape': refused(withFirst(`${first}=%1b%5b31m`), 400),
    'a field twice': refused(
      `${filled(fields, 'a')}&decision=a&decision=b&${first}=a&${first}=b&x=1&x=2`,
      400,
    ),
    'a prototype': refused(withFirst(`${first}=a&__proto__=x&__proto__[polluted]=1`), 400),
    'a prototype in brackets': refused(withFirst(`${first}=a&${first}[__proto__][polluted]=1`), 400),
    'a constructor': refused(withFirst(`${first}=a&constructor.prototype.polluted=1`), 400),
    'a name of nothing': refused(withFirst(`=a`), 400),
    '20,000 fields': refused(Array.from({ length: 20_000 }, (_, at) => `f${at}=1`).join('&'), 413),
    '500 fields': refused(Array.from({ length: 500 }, (_, at) => `f${at}=1`).join('&'), 400),
    'a megabyte': refused(`${first}=${mega}`, 413),
    'a megabyte of nothing': refused('&'.repeat(1024 * 1024), 413),
    JSON: typed('application/json', JSON.stringify({ [first]: { $gt: '' }, __proto__: { polluted: 1 } })),
    'JSON that says it is text': typed('text/plain', '{"a":1}'),
    'JSON that says it is a form': refused('{"a":1}'),
    multipart: typed(
      'multipart/form-data; boundary=b',
      `--b\r\nContent-Disposition: form-data; name="${first}"\r\n\r\nx\r\n--b--\r\n`,
    ),
    'no type': typed(undefined),
    'a type of nothing': typed(';'),
    'UTF-16': typed(`${form}; charset=utf-16le`, Buffer.from(`${first}=a`, 'utf16le')),
    'UTF-7': typed(`${form}; charset=utf-7`),
    'a charset and a boundary': typed(`${form}; charset=utf-8; boundary=b`),
    'a compressed body': { ...typed(form), headers: { 'content-type': form, 'content-encoding': 'gzip' } },
    nothing: refused(''),
    'an array': refused(fields.map((name) => `${name}[]=a&${name}[x]=b`).join('&')),
    'an operator': refused(fields.map((name) => `${name}[$gt]=`).join('&')),
    'options of a template engine': refused(
      withFirst(
        'settings[view options][outputFunctionName]=x;throw 1;x&locals=1&cache=1&filename=/etc/passwd',
      ),
    ),
    '10,000 characters': refused(withFirst(`${first}=${'a'.repeat(10_000)}`)),
    markup: taken(markup),
    'a template': taken('<%= process.env %>{{7*7}}{0}#{7*7}'),
    SQL: taken(`' OR 1=1 -- %_\\`),
    'words from right to left': taken('\u202egnp.exe\u200b\u2066'),
    'several lines': taken('a\r\nb\nc'),
    'a number': taken('1e309'),
    emoji: taken('👩‍👩‍👧‍👦'.repeat(30)),
  };
}
