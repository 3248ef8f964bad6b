import { type FetchRefusal, fetchBytes } from '../../src/web/egress.ts';
import { type CheckedLogo, checkLogo, mostLogoBytes } from './logo.ts';

/** Fetches the picture at an address, once: pages show our copy, so what was looked at is what people see. */
export async function fetchLogo(
  context: Parameters<typeof fetchBytes>[0],
  address: string,
): Promise<CheckedLogo> {
  const fetched = await fetchBytes(context, {
    url: new URL(address),
    mostBytes: mostLogoBytes,
    accept: 'image/png, image/webp, image/jpeg, image/gif',
  });
  return fetched.ok ? checkLogo(fetched.bytes) : { ok: false, problem: sentences[fetched.reason] };
}

const sentences: Record<FetchRefusal, string> = {
  not_allowed: 'is not fetched: only https addresses on the usual port are.',
  not_public: 'is not fetched: its host is not on the public internet.',
  unreachable: 'could not be reached.',
  redirected: 'leads on to another address. Register the address where it ends.',
  not_there: 'has no picture: its host did not answer 200.',
  too_large: `has more than ${mostLogoBytes / 1000} kB. Save it smaller; 128 by 128 pixels are plenty.`,
  too_slow: 'did not answer within 2.5 seconds.',
};
