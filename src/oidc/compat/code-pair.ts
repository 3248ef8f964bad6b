import type { Context } from 'koa';
import { openCodePair } from '../device/code-pair.ts';
import { openLightContext } from '../direct/light-context.ts';
import { withContext } from '../engine-context.ts';
import { answer, refusals, refuse } from './answer.ts';
import type { CompatParts } from './parts.ts';
import { readMembers } from './read-members.ts';
import { essentialOf, scopesOf } from './requested.ts';
import { isCompatClient } from './token-form.ts';

/** POST /auth/o2/create/codepair: a device begins. It has no secret; what it may ask for is the app's. */
const wanted = ['response_type', 'client_id', 'scope', 'scope_data'];
const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';

export async function codePairEndpoint(parts: CompatParts, ctx: Context): Promise<void> {
  const read = await readMembers(ctx.req, wanted);
  if (!read.ok) return refuse(ctx, read.refusal);
  const { members } = read;
  if (members['response_type'] !== 'device_code')
    return refuse(
      ctx,
      members['response_type'] ? refusals.invalid('response_type') : refusals.missing('response_type'),
    );
  const { client_id: clientId } = members;
  if (!clientId) return refuse(ctx, refusals.missing('client_id'));
  const client = await parts.provider.Client.find(clientId);
  if (!client || !isCompatClient(client)) return refuse(ctx, refusals.client);
  if (!client.grantTypeAllowed(deviceGrant)) return refuse(ctx, refusals.notAllowed);
  const scopes = scopesOf(members, client);
  if (!scopes.ok) return refuse(ctx, scopes.refusal);
  const essential = essentialOf(members);
  if (!essential.ok) return refuse(ctx, essential.refusal);
  const engine = openLightContext(parts.provider, {
    req: ctx.req,
    route: 'device_authorization',
    client,
    params: {},
  });
  const pair = await withContext(engine, () =>
    openCodePair(parts, { client, scopes: scopes.names, params: essential.query, from: ctx.state.source }),
  );
  if (!pair.ok) return refuse(ctx, refusals.client);
  answer(ctx, 200, {
    user_code: pair.userCode,
    device_code: pair.deviceCode,
    verification_uri: `${parts.services.settings.issuer.origin}/device`,
    expires_in: pair.expiresIn,
    interval: pair.interval,
  });
}
