import { isIP } from 'node:net';

/**
 * What an address is counted under. A network gives a household, or an attacker, a whole IPv6 /64 to pick addresses
 * from (RFC 6177 section 2), so it counts as one; IPv4 counts whole, also when written as IPv6 (RFC 4291 section
 * 2.5.5.2). Anything else, a bucket among it, stays as it is.
 */
export function addressBucket(address: string): string {
  if (isIP(address) !== 6) return address;
  const groups = groupsOf(address);
  const [high = 0, low = 0] = groups.slice(6);
  const mapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (mapped) return [high >> 8, high & 255, low >> 8, low & 255].join('.');
  return `${groups
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(':')}::/64`;
}

/**
 * What is likely one customer's, though its addresses are many: providers hand out IPv6 in pieces of up to a /48 (RFC 6177
 * section 2). Anything else stays as it is: of IPv4 a customer has one address, and its neighbours are strangers.
 */
export function networkBucket(address: string): string {
  const bucket = addressBucket(address);
  if (!bucket.endsWith('::/64')) return bucket;
  return `${bucket.slice(0, -5).split(':').slice(0, 3).join(':')}::/48`;
}

/** The eight numbers of an IPv6 address, however it was written. */
function groupsOf(address: string): number[] {
  const [withoutZone = ''] = address.split('%');
  const canonical = new URL(`http://[${withoutZone}]`).hostname.slice(1, -1);
  const [head = '', tail] = canonical.split('::');
  const numbers = (text: string) =>
    text
      .split(':')
      .filter(Boolean)
      .map((group) => Number.parseInt(group, 16));
  const [before, after] = [numbers(head), numbers(tail ?? '')];
  return [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after];
}
