import type { RouterContext } from '@koa/router';
import { z } from 'zod';
import type { Limited } from '../src/limits/limits.ts';
import { codeField, type Problems } from '../src/web/form.ts';
import { limitedSentence } from './problem-sentences.ts';

/** The form of the pages that wait for the code of a message. */
export const sentCodeForm = z.object({ code: codeField({ required: 'sign-up.prove.code_missing' }) });

/** How such a page is shown again after a code that was not taken. */
export function codeRefused(
  ctx: RouterContext,
  refused: { reason: 'wrong_code' | 'expired' } | Limited,
): { problems: Problems; status: number } {
  if (refused.reason !== 'limited')
    return { problems: { code: `sign-up.prove.${refused.reason}` }, status: 400 };
  return { problems: { code: limitedSentence(ctx, refused, 'sign-up.limited') }, status: 429 };
}
