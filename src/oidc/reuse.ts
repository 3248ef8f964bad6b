import { errors, type KoaContextWithOIDC, type Provider } from 'oidc-provider';
import type { Services } from '../services.ts';
import { dropGrant } from './end-grants.ts';
import { grantIdLength } from './live-layout.ts';
import { RefreshTokenRecords } from './refresh-token-records.ts';
import { memoryOf } from './request-memory.ts';

/**
 * A used refresh token in the wrong hands. The engine looks whether a token was used only when all else about the request
 * is right; so whoever presents a used one with another app's credentials, with wrong ones or with another key is refused,
 * and the engine says no more. But then somebody else has it, and may have its successors: the whole grant ends (RFC 9700
 * section 4.14.2), and what is done for a second use is done for this one as well.
 */
export function rememberRefusals(provider: Provider): void {
  provider.on('grant.error', (ctx, error) => {
    memoryOf(ctx).refusal = error;
  });
}

/** What an honest repetition never is. What else may be wrong with one, such as its scope, is the app's mistake. */
const wrongHands = /client mismatch|failed (jkt|x5t#S256) verification/;

export async function endReused(
  context: Pick<Services, 'live' | 'clock' | 'db' | 'settings' | 'seals' | 'log'>,
  provider: Provider,
  ctx: KoaContextWithOIDC,
): Promise<void> {
  const { refusal, rotation } = memoryOf(ctx);
  const { grant_type, refresh_token: presented } = ctx.oidc.params ?? {};
  if (!refusal || grant_type !== 'refresh_token' || typeof presented !== 'string') return;
  const detail = (refusal as { error_detail?: string }).error_detail ?? '';
  // Nothing can be known while a store is away; or the engine noticed by itself; or the token would be over anyway.
  if (refusal.statusCode >= 500 || /already used|expired/.test(detail)) return;
  const honest = rotation?.repeats === true && !wrongHands.test(detail);
  if (rotation ? rotation.spent && !honest : await isUsedByNobody(context, ctx, presented)) {
    await dropGrant(context, presented.slice(0, grantIdLength));
    provider.emit('grant.error', ctx, new errors.InvalidGrant('refresh token already used'));
  }
}

/** Who did not prove to be an app was not asked about the token yet. */
async function isUsedByNobody(
  context: Pick<Services, 'live' | 'clock' | 'db' | 'settings' | 'seals' | 'log'>,
  ctx: KoaContextWithOIDC,
  presented: string,
): Promise<boolean> {
  if (ctx.oidc.client && memoryOf(ctx).refusal?.error !== 'invalid_client') return false;
  const used = await new RefreshTokenRecords(context).findUsed(presented);
  if (used) memoryOf(ctx).grants.set(used.place.grantId, { value: '', grant: used.grant });
  return used !== undefined;
}
