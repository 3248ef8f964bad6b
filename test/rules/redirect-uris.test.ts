import { describe, expect, it } from '@jest/globals';
import { redirectUriProblem, webAddressProblem } from '../../clients/registry/redirect-uris.ts';

describe('redirect URIs of web apps', () => {
  it.each([
    'https://app.example.com/callback',
    'https://app.example.com',
    'https://app.example.com?tenant=1',
    'https://app.example.com:8443/cb?x=y%20z',
    'https://xn--hser-koa.example/cb',
    'http://localhost:3001/callback',
    'http://127.0.0.1:8080/',
    'http://[::1]/cb',
    'https://localhost:8443/cb',
  ])('may be %s', (uri) => {
    expect(redirectUriProblem(uri, 'web')).toBeUndefined();
  });

  it.each([
    ['javascript:alert(1)//', /scheme/],
    ['JaVaScRiPt:alert(1)', /scheme/],
    ['java%0ascript:alert(1)', /not an address|scheme/],
    ['java\nscript:alert(1)', /control characters/],
    ['data:text/html,x', /scheme/],
    ['vbscript:x', /scheme/],
    ['file:///etc/passwd', /scheme/],
    ['blob:https://a.example/x', /scheme/],
    ['about:blank', /scheme/],
    ['intent://a.example', /scheme/],
    ['intent://a.example#Intent;scheme=x;end', /fragment/],
    ['myapp://cb', /scheme/],
    ['com.example.app:/cb', /native/],
    ['HTTPS://a.example/', /scheme/],
    ['http://app.example.com/cb', /plain http/],
    ['http://localhost.evil.example/cb', /plain http/],
    ['https://app.example.com/cb#x', /fragment/],
    ['https://app.example.com/cb#', /fragment/],
    ['https://user@app.example.com/', /user name/],
    ['https://user:pass@app.example.com/', /user name/],
    ['https://@app.example.com/', /user name/],
    ['https://*.example.com/', /wildcard/],
    ['https://app.example.com/*', /wildcard/],
    ['https://app.example.com./cb', /dot/],
    ['https://10.0.0.1/cb', /IP address/],
    ['https://[2001:db8::1]/cb', /IP address/],
    ['https://0x7f.1/cb', /as a browser/],
    ['http://127.1/cb', /as a browser/],
    ['https://häuser.example/cb', /punycode/],
    ['https://APP.example.com/cb', /as a browser/],
    ['https://app.example.com:443/cb', /as a browser/],
    ['https://app.example.com/a/../cb', /as a browser/],
    ['https://app.example.com/a/%2e%2e/cb', /as a browser/],
    ['https:app.example.com/cb', /two slashes/],
    ['https:/app.example.com/cb', /two slashes/],
    ['https://app.example.com\\@evil.example/', /percent-encode/i],
    ['https://app.example.com/c b', /spaces/],
    [' https://app.example.com/', /spaces/],
    ['https://app.example.com/\u0000', /control characters/],
    ['//app.example.com/cb', /not an address/],
    ['/cb', /not an address/],
    ['', /empty/],
    [`https://app.example.com/${'a'.repeat(2025)}`, /longer than 2048/],
  ])('may not be %j', (uri, sentence) => {
    expect(redirectUriProblem(uri, 'web')).toMatch(sentence);
  });

  it('may have exactly 2048 characters', () => {
    const uri = 'https://app.example.com/'.padEnd(2048, 'a');
    expect(redirectUriProblem(uri, 'web')).toBeUndefined();
  });
});

describe('redirect URIs of native apps', () => {
  it.each([
    'com.example.app:/cb',
    'com.example.app://callback',
    'com.googleusercontent.apps.123-abc:/oauth2redirect',
    'http://127.0.0.1/cb',
    'https://app.example.com/claimed',
  ])('may be %s', (uri) => {
    expect(redirectUriProblem(uri, 'native')).toBeUndefined();
  });

  it.each([
    ['myapp://cb', /reversed/],
    ['javascript:alert(1)', /reversed/],
    ['COM.EXAMPLE.APP:/cb', /lower case/],
    ['com.example.app:cb', /slash/],
    ['com.example.app://user@host/cb', /user name/],
    ['com.example.app:/cb#x', /fragment/],
    ['com.example.:/cb', /reversed/],
    ['http://app.example.com/cb', /plain http/],
  ])('may not be %j', (uri, sentence) => {
    expect(redirectUriProblem(uri, 'native')).toMatch(sentence);
  });
});

describe('addresses of logos, notices and keys', () => {
  it.each([
    ['https://app.example.com/logo.svg', undefined],
    ['http://localhost:3001/logo.svg', undefined],
    ['http://app.example.com/logo.svg', /plain http/],
    ['data:image/svg+xml,x', /https/],
    ['javascript:alert(1)', /https/],
    ['com.example.app:/logo', /https/],
  ])('%s', (uri, sentence) => {
    if (sentence) expect(webAddressProblem(uri)).toMatch(sentence);
    else expect(webAddressProblem(uri)).toBeUndefined();
  });
});
