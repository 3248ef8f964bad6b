import { checkClient, type NotAccepted } from '../../clients/registry/new-client.ts';
import { newManagementToken } from '../../clients/registry/registration.ts';
import {
  findRegistrationToken,
  returnUse,
  useRegistrationToken,
} from '../../clients/registry/registration-tokens.ts';
import type { Client } from '../../clients/registry/registry.ts';
import { refused } from '../kit/outcome.ts';
import { type LimitContext, type Limited, takeFromLimits } from '../limits/limits.ts';
import type { Services } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';
import { registerClient } from './register-client.ts';

export type Registered = {
  ok: true;
  client: Client;
  clientSecret: string | undefined;
  /** What the app changes its registration with (RFC 7592): told this once. */
  managementToken: string;
};

/**
 * An app registers itself (RFC 7591 section 3): with a token that an operator made, or without where registration is
 * open, within a budget. `metadata` may be anything. A token's use is taken only for an app that is fit to be registered.
 */
export async function registerItself(
  services: LimitContext & Pick<Services, 'settings'>,
  { metadata, token }: { metadata: Record<string, unknown>; token: string | undefined },
  from: RequestSource,
): Promise<Registered | NotAccepted | Limited | { ok: false; reason: 'token_wanted' | 'wrong_token' }> {
  const { settings } = services;
  const open = settings.DYNAMIC_REGISTRATION === 'open' && token === undefined;
  if (!open && token === undefined) return refused('token_wanted');
  const tokenId = token && (await findRegistrationToken(services, token));
  if (!open && !tokenId) return refused('wrong_token');
  const room = open ? await takeFromLimits(services, budget(settings, from.ip)) : { ok: true as const };
  if (!room.ok) return room;
  const named = nameProblem(settings, metadata);
  const checked = named ?? checkClient({ metadata });
  if (!checked.ok) return checked;
  if (tokenId && !(await useRegistrationToken(services, tokenId))) return refused('wrong_token');
  const management = newManagementToken();
  const given = { metadata, origin: open ? 'open' : 'token', registrationDigest: management.digest } as const;
  let came = false;
  try {
    const added = await registerClient(services, given, from);
    if (!added.ok && added.reason === 'client_id_taken') throw new Error('a new id was taken');
    if (!added.ok) return added;
    came = true;
    const { client, clientSecret } = added;
    return { ok: true, client, clientSecret, managementToken: management.text };
  } finally {
    // Its list of addresses, which is looked at last, does not hold what it said; or a store went away.
    if (tokenId && !came) await returnUse(services, tokenId).catch(() => undefined);
  }
}

/** Of an app that comes by itself, and each time it says itself anew. */
export function budget(
  { REGISTRATIONS_PER_HOUR: most }: Pick<Services['settings'], 'REGISTRATIONS_PER_HOUR'>,
  ip: string,
) {
  return [
    { limit: 'registration_by_address', key: ip, max: most },
    { limit: 'registration_by_network', key: ip, max: 4 * most },
    { limit: 'registration_by_everyone', max: 10 * most },
  ] as const;
}

/** Nobody who registers themselves is called what we are called, however it is spelled and in whichever language. */
export function nameProblem(
  { BRAND_NAME }: Pick<Services['settings'], 'BRAND_NAME'>,
  metadata: Readonly<Record<string, unknown>>,
): NotAccepted | undefined {
  const problems = Object.entries(metadata).flatMap(([field, name]) =>
    /^client_name(#|$)/.test(field) && typeof name === 'string' && plain(name) === plain(BRAND_NAME)
      ? [{ field, problem: 'is our own name. Choose another.' }]
      : [],
  );
  return problems.length > 0 ? { ok: false, reason: 'not_accepted', problems } : undefined;
}

function plain(name: string): string {
  return name
    .normalize('NFKD')
    .replace(/[^\p{L}\p{N}]/gu, '')
    .toLowerCase();
}
