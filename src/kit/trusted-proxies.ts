import { BlockList, isIP } from 'node:net';

/** `proxies`: addresses and CIDR ranges. Throws for anything else, so that a slip in the settings is seen at start. */
export function trustedProxies(proxies: readonly string[]): BlockList {
  const list = new BlockList();
  for (const proxy of proxies) {
    const [address = '', bits, ...rest] = proxy.split('/');
    const family = familyOf(address);
    const most = family === 'ipv4' ? 32 : 128;
    const prefix = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : -1;
    if (!family || prefix < 0 || prefix > most || rest.length > 0)
      throw new Error(`TRUSTED_PROXIES: ${proxy} is not an address or a CIDR range`);
    list.addSubnet(address, prefix, family);
  }
  return list;
}

export function familyOf(address: string): 'ipv4' | 'ipv6' | undefined {
  const version = isIP(address);
  return version === 4 ? 'ipv4' : version === 6 ? 'ipv6' : undefined;
}
