import { z } from 'zod';
import { type FetchRefusal, fetchBytes } from '../../src/web/egress.ts';
import { jsonIn } from './fetched-json.ts';
import type { ClientMetadata } from './metadata.ts';
import type { FieldProblem } from './problems.ts';

const mostListBytes = 64 * 1024;
const list = z.array(z.string()).max(1000);

/**
 * Looks at the list that an app's `sector_identifier_uri` names: every redirect URI must stand in it, so that nobody
 * puts an app of theirs among somebody else's (OpenID Connect Registration section 5). Looked at when the app is registered
 * or changed and never again, so a host that is gone later takes no app with it.
 */
export async function checkSector(
  context: Parameters<typeof fetchBytes>[0],
  { sector_identifier_uri: address, redirect_uris, jwks_uri }: Partial<ClientMetadata>,
): Promise<FieldProblem[]> {
  if (!address) return [];
  const say = (problem: string) => [{ field: 'sector_identifier_uri', problem }];
  const fetched = await fetchBytes(context, {
    url: new URL(address),
    mostBytes: mostListBytes,
    accept: 'application/json',
  });
  if (!fetched.ok) return say(sentences[fetched.reason]);
  const read = list.safeParse(jsonIn(fetched.bytes));
  if (!read.success) return say('must hold a JSON list of addresses.');
  // CIBA section 4: where nothing is redirected, the keys' address stands for the app.
  const wanted = redirect_uris?.length ? redirect_uris : jwks_uri ? [jwks_uri] : [];
  const missing = wanted.find((uri) => !read.data.includes(uri));
  return missing ? say(`has a list without ${missing}. Every redirect URI must stand in it.`) : [];
}

// One sentence, so that whoever registers by themselves learns of no host that is ours alone that it exists.
const notReached = 'could not be reached: its host does not answer, or is not on the public internet.';

const sentences: Record<FetchRefusal, string> = {
  not_allowed: 'is not fetched: only https addresses on the usual port are.',
  not_public: notReached,
  unreachable: notReached,
  redirected: 'leads on to another address. Register the address where it ends.',
  not_there: 'has no list: its host did not answer 200.',
  too_large: 'has more than 64 kB.',
  too_slow: 'did not answer within 2.5 seconds.',
};
