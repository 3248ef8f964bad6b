import type { NotAccepted } from '../../clients/registry/new-client.ts';
import { usesSecret } from '../../clients/registry/new-client.ts';
import {
  isManagementToken,
  newManagementToken,
  replaceManagementToken,
} from '../../clients/registry/registration.ts';
import type { Client } from '../../clients/registry/registry.ts';
import { findClient } from '../../clients/registry/registry.ts';
import { liveSecrets } from '../../clients/registry/secrets.ts';
import type { Outcome } from '../kit/outcome.ts';
import { done, refused } from '../kit/outcome.ts';
import { digest } from '../kit/secrets.ts';
import { type LimitContext, type Limited, takeFromLimits } from '../limits/limits.ts';
import type { Services } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';
import { changeClient } from './change-client.ts';
import { budget, nameProblem } from './register-itself.ts';
import { rotateClientSecret } from './rotate-client-secret.ts';

/**
 * The app that a management token is of (RFC 7592 section 2). One that is gone, and a token of another app, are told
 * apart by nothing. `leaving`: also when it is stopped because its removal began.
 */
export async function findItself(
  services: Pick<Services, 'db'>,
  { clientId, token, leaving = false }: { clientId: string; token: string; leaving?: boolean },
): Promise<Outcome<{ client: Client }, 'wrong_token' | 'disabled'>> {
  const client = await findClient(services, clientId);
  if (!client || !isManagementToken(client, token)) return refused('wrong_token');
  const stopped = client.disabledAt !== undefined && !(leaving && client.removingSince !== undefined);
  return stopped ? refused('disabled') : { ok: true, client };
}

/**
 * The app says anew all that it says of itself (RFC 7592 section 2.2). What operators said of it stays. The token it
 * showed is over and a new one is in the answer; of two requests with one token only one is heard.
 */
export async function changeItself(
  services: LimitContext & Pick<Services, 'settings'>,
  { client, token, metadata }: { client: Client; token: string; metadata: Record<string, unknown> },
  from: RequestSource,
): Promise<
  | { ok: true; client: Client; clientSecret: string | undefined; managementToken: string }
  | NotAccepted
  | Limited
  | { ok: false; reason: 'wrong_token' | 'disabled' }
> {
  const { clientId } = client;
  const named = nameProblem(services.settings, metadata);
  if (named) return named;
  // A change may have us fetch a logo and a list, at any address that anybody names.
  const room =
    client.origin === 'open' ? await takeFromLimits(services, budget(services.settings, from.ip)) : done;
  if (!room.ok) return room;
  const next = newManagementToken();
  if (!(await replaceManagementToken(services, { clientId, shown: token, next })))
    return refused('wrong_token');
  const change = { clientId, changes: metadata, whole: true, actor: 'client' } as const;
  const changed = await changeClient(services, change, from).catch(async (error: unknown) => {
    // A store went away, and the app will come again with the token that it knows.
    await putBack(services, { clientId, shown: next.text, token }).catch(() => undefined);
    throw error;
  });
  if (!changed.ok) {
    await putBack(services, { clientId, shown: next.text, token });
    return changed.reason === 'unknown_client' ? refused('wrong_token') : changed;
  }
  const lacksSecret =
    usesSecret(changed.client.metadata) &&
    liveSecrets(changed.client.secrets, services.clock.now()).length === 0;
  const rotated = lacksSecret
    ? await rotateClientSecret(services, { clientId, overlapMs: 0 }, from)
    : undefined;
  return {
    ok: true,
    client: changed.client,
    clientSecret: rotated?.ok ? rotated.clientSecret : undefined,
    managementToken: next.text,
  };
}

async function putBack(
  services: Pick<Services, 'db'>,
  { clientId, shown, token }: { clientId: string; shown: string; token: string },
): Promise<void> {
  const before = { text: token, digest: digest(token) };
  await replaceManagementToken(services, { clientId, shown, next: before });
}
