import { Problem } from './problem.ts';

/** Parameters by name: a string each, or a list for the names that may be repeated. No prototype, so no inherited names. */
export type Parameters = Record<string, string | string[]>;

const mostParameters = 100;
// These would reach an object's prototype in code less careful than this; no form of ours has such a field.
const prototypeNames = /(?:^|[.[\]])(?:__proto__|constructor|prototype)(?:$|[.[\]])/;
// C0 and C1 controls and noncharacters: nothing a person types. NUL alone would be a PostgreSQL error further down.
// Tabs and line ends are let through, for fields of several lines; the field schemas below refuse them elsewhere.
const refusedCharacters = /[^\P{Cc}\t\n\r]|\p{Noncharacter_Code_Point}/u;

/**
 * Reads `a=b&c=d` (WHATWG URL, section 5.1) and refuses what a browser never sends: a parameter twice (RFC 6749
 * section 3.1 says so of its own; here it keeps two readers of one body from disagreeing), bytes that are not UTF-8,
 * control characters, names that reach for a prototype. URLSearchParams is too kind for that: it turns bad bytes into
 * U+FFFD, so that two different passwords become the same.
 */
export function parseParameters(text: string, lists: readonly string[] = []): Parameters {
  const parameters: Parameters = Object.create(null) as Parameters;
  for (const name of lists) parameters[name] = [];
  const pairs = text.split('&').filter((pair) => pair !== '');
  if (pairs.length > mostParameters) throw malformed('too many parameters');
  for (const pair of pairs) {
    const [name, value] = readPair(pair);
    const known = parameters[name];
    if (Array.isArray(known)) known.push(value);
    else if (known === undefined) parameters[name] = value;
    else throw malformed('a parameter is repeated');
  }
  return parameters;
}

function readPair(pair: string): [string, string] {
  const equals = pair.indexOf('=');
  const name = decode(equals < 0 ? pair : pair.slice(0, equals));
  const value = decode(equals < 0 ? '' : pair.slice(equals + 1));
  if (name === '' || prototypeNames.test(name) || /[\t\n\r]/.test(name))
    throw malformed('a parameter has a name that no form of ours has');
  return [name, value];
}

function decode(text: string): string {
  let decoded: string;
  try {
    decoded = decodeURIComponent(text.replaceAll('+', ' '));
  } catch (cause) {
    throw malformed('a parameter is not UTF-8', cause);
  }
  if (refusedCharacters.test(decoded)) throw malformed('a parameter has a control character');
  return decoded;
}

function malformed(reason: string, cause?: unknown): Problem {
  return new Problem({ status: 400, code: 'malformed_request', reason, cause });
}
