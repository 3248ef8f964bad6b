import type Router from '@koa/router';
import { z } from 'zod';
import { findAccount } from '../src/accounts/account.ts';
import { wellKnown } from '../src/actions/create-account.ts';
import { judgePassword } from '../src/credentials/strength.ts';
import { takeFromLimits } from '../src/limits/limits.ts';
import type { App } from '../src/services.ts';
import { readForm } from '../src/web/form.ts';
import { Problem } from '../src/web/problem.ts';
import type { Translator } from '../src/web/words.ts';
import { type CurrentStep, currentStep } from './current-step.ts';

const strengthForm = z.object({ password: z.string().max(1000) });

/**
 * For the meter beside a new password, where scripts run. Advice only: the form itself is judged when it is posted. The
 * password is looked at and forgotten.
 */
export function mountPasswordStrength(router: Router, app: App): void {
  router.post('/interaction/:uid/strength', async (ctx) => {
    const room = await takeFromLimits(app, [{ limit: 'strength_by_address', key: ctx.state.source.ip }]);
    if (!room.ok)
      throw new Problem({ status: 429, code: 'too_many_requests', retryAfter: room.retryAfterSeconds });
    const current = await currentStep(app, ctx);
    const form = await readForm(ctx, strengthForm);
    if (!form.ok) throw new Problem({ status: 400, code: 'malformed_request' });
    const about = [app.settings.BRAND_NAME, ...(await knownOf(app, current))];
    const { score, reasons } = judgePassword(form.fields.password, about);
    ctx.set('Cache-Control', 'no-store');
    ctx.body = { score, text: say(ctx.state.words, score, reasons) };
  });
}

async function knownOf(app: App, { step }: CurrentStep): Promise<string[]> {
  if (step.at !== 'new_password' && step.at !== 'known_password') return [];
  const account = await findAccount(app, step.accountId);
  return account ? wellKnown(account) : [];
}

function say({ t }: Translator, score: number, reasons: readonly string[]): string {
  return [t(`strength.score_${score}`), reasons.map((reason) => t(reason)).join(' ')]
    .filter(Boolean)
    .join(' · ');
}
