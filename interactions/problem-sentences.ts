import type { RouterContext } from '@koa/router';
import type { PasswordRefusal } from '../src/credentials/password.ts';
import type { Limited } from '../src/limits/limits.ts';
import type { Settings } from '../src/settings.ts';
import type { Sentence } from '../src/web/words.ts';

/** Why a new password is not taken; the same sentences wherever one is chosen. */
export function passwordSentence(
  reason: PasswordRefusal,
  { PASSWORD_MIN_LENGTH, BRAND_NAME }: Pick<Settings, 'PASSWORD_MIN_LENGTH' | 'BRAND_NAME'>,
): Sentence {
  const sentences: Record<PasswordRefusal, Sentence> = {
    too_short: { key: 'sign-up.too_short', values: { min: PASSWORD_MIN_LENGTH } },
    too_long: 'sign-up.too_long',
    too_common: 'sign-up.too_common',
    too_close_to_you: { key: 'sign-up.too_close_to_you', values: { brand: BRAND_NAME } },
    not_text: 'sign-up.not_text',
  };
  return sentences[reason];
}

/** Says when to come back, in the page's words and, for programs, in Retry-After (RFC 6585 section 4). */
export function limitedSentence(
  ctx: RouterContext,
  { retryAfterSeconds }: Limited,
  key: 'sign-in.limited' | 'second-step.limited' | 'sign-up.limited',
): Sentence {
  ctx.set('Retry-After', String(retryAfterSeconds));
  return { key, values: { minutes: Math.ceil(retryAfterSeconds / 60) } };
}
