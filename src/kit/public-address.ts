import { BlockList, isIP } from 'node:net';

/**
 * Whether an address is one of the public internet. The rest (loopback, private and link-local networks, multicast,
 * documentation, what tunnels to IPv4) is special by the IANA registries of RFC 6890. Of IPv6 only what is given out,
 * 2000::/3, can be public, so a range that nobody thought of is not.
 */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !special.check(address, 'ipv4');
  if (family === 6) return givenOut.check(address, 'ipv6') && !special.check(address, 'ipv6');
  return false;
}

const givenOut = new BlockList();
givenOut.addSubnet('2000::', 3, 'ipv6');

const special = new BlockList();
const ipv4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
];
const ipv6 = ['2001::/23', '2001:db8::/32', '2002::/16', '2620:4f:8000::/48', '3fff::/20'];
for (const [family, ranges] of [['ipv4', ipv4] as const, ['ipv6', ipv6] as const])
  for (const range of ranges) {
    const [network = '', bits] = range.split('/');
    special.addSubnet(network, Number(bits), family);
  }
