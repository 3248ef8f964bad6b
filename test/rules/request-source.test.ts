import { describe, expect, it } from '@jest/globals';
import { trustedProxies } from '../../src/kit/trusted-proxies.ts';
import { clientAddress } from '../../src/web/request-source.ts';
import { costOf } from '../support/timing.ts';

const proxies = ['127.0.0.1', '10.0.0.0/8', '2001:db8:aaaa::/48'];

function addressOf(peer: string, headers: Record<string, string> = {}, trusted = proxies): string {
  const req = { socket: { remoteAddress: peer }, headers } as unknown as Parameters<typeof clientAddress>[0];
  return clientAddress(req, trustedProxies(trusted));
}

describe('the address a request comes from', () => {
  it.each([
    [
      'the socket, when nobody is trusted',
      '203.0.113.9',
      { 'x-forwarded-for': '1.2.3.4' },
      '203.0.113.9',
      [],
    ],
    [
      'the socket, when this peer is not trusted',
      '203.0.113.9',
      { forwarded: 'for=1.2.3.4' },
      '203.0.113.9',
      proxies,
    ],
    ['the socket, without headers', '10.1.1.1', {}, '10.1.1.1', proxies],
    ['what a trusted proxy saw', '10.1.1.1', { 'x-forwarded-for': '198.51.100.7' }, '198.51.100.7', proxies],
    [
      'the last stranger, not what he wrote himself',
      '10.1.1.1',
      { 'x-forwarded-for': '1.2.3.4, 198.51.100.7, 10.9.9.9' },
      '198.51.100.7',
      proxies,
    ],
    ['IPv4 that came as IPv6', '::ffff:203.0.113.9', {}, '203.0.113.9', proxies],
    [
      'a trusted IPv4 that came as IPv6',
      '::ffff:10.1.1.1',
      { 'x-forwarded-for': '::ffff:198.51.100.7' },
      '198.51.100.7',
      proxies,
    ],
    [
      'mapped IPv4 written in hex',
      '10.1.1.1',
      { 'x-forwarded-for': '::ffff:c633:6407' },
      '198.51.100.7',
      proxies,
    ],
    ['IPv6, written one way', '10.1.1.1', { 'x-forwarded-for': '2001:DB8:0:0::1' }, '2001:db8::1', proxies],
    [
      'IPv6 behind an IPv6 proxy',
      '2001:db8:aaaa::5',
      { 'x-forwarded-for': '2001:db8:bbbb::1' },
      '2001:db8:bbbb::1',
      proxies,
    ],
    [
      'RFC 7239',
      '10.1.1.1',
      { forwarded: 'for=192.0.2.43;proto=https, for=10.2.2.2;by=10.1.1.1' },
      '192.0.2.43',
      proxies,
    ],
    [
      'RFC 7239, IPv6 with a port',
      '10.1.1.1',
      { forwarded: 'proto=https; For="[2001:db8:cafe::17]:4711"' },
      '2001:db8:cafe::17',
      proxies,
    ],
    [
      'an address with a port',
      '10.1.1.1',
      { 'x-forwarded-for': '198.51.100.7:4711' },
      '198.51.100.7',
      proxies,
    ],
    [
      'two headers that agree',
      '10.1.1.1',
      { forwarded: 'for=192.0.2.43', 'x-forwarded-for': '192.0.2.43' },
      '192.0.2.43',
      proxies,
    ],
  ])('is %s', (_, peer, headers, address, trusted) => {
    expect(addressOf(peer, headers as unknown as Record<string, string>, trusted)).toBe(address);
  });

  it.each([
    ['unknown'],
    ['_hidden'],
    ['for=x'],
    ['1.2.3.4.5'],
    ['999.1.1.1'],
    ['fe80::1%eth0'],
    ['[2001:db8::1'],
    ['198.51.100.7, '],
    [','],
    ['198.51.100.7; DROP TABLE'],
    ['0x7f.1'],
    [' '],
    ['10.2.2.2, 10.3.3.3'],
    ['é'.repeat(5000)],
  ])('is the proxy itself, when the header says %j', (text) => {
    expect(addressOf('10.1.1.1', { 'x-forwarded-for': text })).toBe('10.1.1.1');
    expect(addressOf('10.1.1.1', { forwarded: `for=${text}` })).toBe('10.1.1.1');
  });

  it('is the proxy itself, when its two headers disagree: one of them is the client’s own', () => {
    const headers = { forwarded: 'for=192.0.2.43', 'x-forwarded-for': '198.51.100.7' };
    expect(addressOf('10.1.1.1', headers)).toBe('10.1.1.1');
  });

  it('is found at once in a header of 120 KB', async () => {
    const long = `${','.repeat(60_000)}${' '.repeat(60_000)},198.51.100.7`;
    const found = () => addressOf('10.1.1.1', { 'x-forwarded-for': long });
    expect(found()).toBe('198.51.100.7');
    expect(await costOf(found)).toBeLessThan(20);
  });

  it.each(['10.0.0.0/33', 'proxy.example', '10.0.0.0/8/8', '2001:db8::/129', '10.0.0.0/', ''])(
    'needs real addresses in TRUSTED_PROXIES, not %j',
    (proxy) => {
      expect(() => trustedProxies([proxy])).toThrow(/TRUSTED_PROXIES/);
    },
  );
});
