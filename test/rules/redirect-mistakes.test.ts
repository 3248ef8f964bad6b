import { describe, expect, it } from '@jest/globals';
import { mistakeIn, publicOnes, spelledOut } from '../../interactions/redirect-mistakes.ts';

const registered = ['https://app.example.com/cb', 'https://app.example.com/_oauth/amazon?close'];

describe('what is wrong with a redirect URI', () => {
  it.each([
    [undefined, 'missing'],
    ['', 'missing'],
    ['http://app.example.com/cb', 'scheme'],
    ['https://app.example.com/cb/', 'slash'],
    ['https://app.example.com/CB', 'case'],
    ['https://app.example.com/cb?x=1', 'query'],
    ['https://app.example.com/_oauth/amazon', 'query'],
    ['https%3A%2F%2Fapp.example.com%2Fcb', 'encoding'],
    ['https://app.example.com:443/cb', 'port'],
    ['https://www.app.example.com/cb', 'www'],
    ['https://app.example.com/cb#x', 'fragment'],
    ['https://app.example.com/callback', 'path'],
    ['http://app.example.com:8443/callback', 'path'],
    ['https://evil.test/cb', 'host'],
    ['javascript:alert(1)', 'host'],
  ])('%s: %s', (sent, mistake) => {
    expect(mistakeIn(sent, registered)).toBe(mistake);
  });
});

describe('what a stranger is shown', () => {
  const all = [
    'https://app.example.com/cb',
    'https://staging.corp.internal/cb',
    'https://intranet/cb',
    'http://localhost:3000/cb',
  ];

  it('is every address on a host that the outside knows, the nearest first', () => {
    expect(publicOnes(all, 'http://localhost:3000/')).toEqual({
      shown: ['http://localhost:3000/cb', 'https://app.example.com/cb'],
      hidden: 2,
    });
  });

  it('is one within the company only when it asked', () => {
    expect(publicOnes(all, 'https://intranet/other').shown).toContain('https://intranet/cb');
  });

  it('has no letter that hides or turns others around', () => {
    expect(spelledOut('https://a\u200d.test/\u202ecb\0')).toBe('https://a\\u{200d}.test/\\u{202e}cb\\u{0}');
    expect(spelledOut('x'.repeat(5000)).length).toBeLessThan(700);
  });
});
