/**
 * Which addresses an authorization response may be sent to. The engine later compares byte for byte, so what is stored
 * is what was typed, and what was typed must be the canonical form: a browser that rewrites an address must not end
 * up somewhere other than where the comparison thought (RFC 9700 section 4.1.3).
 */
export type ApplicationType = 'web' | 'native';

const loopbackHosts = ['127.0.0.1', '[::1]', 'localhost'];
const mostCharacters = 2048;

// RFC 8252 section 7.1: a private-use scheme is a domain name of the app's maker, reversed, so that two apps of honest
// makers cannot collide. In lower case, since the comparison is exact and operating systems fold the case.
const reverseDomain = /^[a-z][a-z0-9-]*(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$/;

/** The sentence that says what is wrong with the address and what to do; undefined when it is fine. */
export function redirectUriProblem(uri: string, applicationType: ApplicationType): string | undefined {
  return writtenProblem(uri) ?? schemeProblem(uri, applicationType);
}

/** Addresses that pages and the server visit: https, or http on loopback for development. Same spelling rules. */
export function webAddressProblem(uri: string): string | undefined {
  return writtenProblem(uri) ?? (/^https?:/.test(uri) ? webProblem(uri) : 'must begin with https://.');
}

function writtenProblem(uri: string): string | undefined {
  if (uri === '') return 'is empty. Leave it out or write an address.';
  if (uri.length > mostCharacters) return `is longer than ${mostCharacters} characters. Shorten it.`;
  // Also catches names that are not ASCII: which punycode they become differs between libraries.
  if (!/^[\x21-\x7e]+$/.test(uri))
    return 'has spaces, control characters or letters that are not ASCII. Write international host names in punycode (xn--...) and percent-encode the rest.';
  if (uri.includes('#')) return 'has a fragment (#...). Remove it (RFC 6749 section 3.1.2).';
  if (uri.includes('*')) return 'has a wildcard (*). List each address in full: they are compared exactly.';
  if (/["<>\\^`{|}]/.test(uri)) return 'has a character that no address may have. Percent-encode it.';
  if (!URL.canParse(uri))
    return 'is not an address. Write it in full, such as https://app.example.com/callback.';
  return undefined;
}

function schemeProblem(uri: string, applicationType: ApplicationType): string | undefined {
  const scheme = uri.slice(0, uri.indexOf(':'));
  if (scheme === 'https' || scheme === 'http') return webProblem(uri);
  if (!reverseDomain.test(scheme))
    return `has the scheme "${scheme}:". Use https, or for a native app a scheme that is a domain name of yours reversed, in lower case, such as com.example.app:/callback (RFC 8252 section 7.1).`;
  if (applicationType !== 'native')
    return 'has a scheme of its own, which only native apps may have. Use https, or set application_type to native.';
  return privateUseProblem(uri);
}

function webProblem(uri: string): string | undefined {
  const url = new URL(uri);
  const authority = /^https?:\/\/([^/?]*)/.exec(uri)?.[1];
  if (authority === undefined) return 'needs two slashes after its scheme, such as https://app.example.com/.';
  if (authority.includes('@')) return 'has a user name or password before the host. Remove it.';
  if (url.hostname.endsWith('.')) return 'has a host that ends in a dot. Remove the dot.';
  const loopback = loopbackHosts.includes(url.hostname);
  if (url.protocol === 'http:' && !loopback)
    return 'is plain http. Use https; http is only for 127.0.0.1, [::1] and localhost.';
  // No certificate speaks for who holds a bare address tomorrow.
  if (!loopback && (/^[\d.]+$/.test(url.hostname) || url.hostname.startsWith('[')))
    return 'has an IP address for a host. Use a host name.';
  return canonicalProblem(uri, url);
}

function privateUseProblem(uri: string): string | undefined {
  const url = new URL(uri);
  if (!/^[^:]+:\//.test(uri)) return 'needs a slash after its scheme, such as com.example.app:/callback.';
  if (url.username !== '' || url.password !== '' || /^[^:]+:\/\/[^/?]*@/.test(uri))
    return 'has a user name or password. Remove it.';
  return canonicalProblem(uri, url);
}

/** `https://a.example` and `https://a.example/` are both canonical: they name one place in every browser. */
function canonicalProblem(uri: string, url: URL): string | undefined {
  const withoutPath = url.pathname === '/' ? url.href.replace(/^([^:]+:\/\/[^/?]*)\//, '$1') : url.href;
  if (uri === url.href || uri === withoutPath) return undefined;
  return `is not written as a browser sends it. Write ${url.href}`;
}
