import path from 'node:path';
import Router from '@koa/router';
import { z } from 'zod';
import { answerRegion } from '../src/actions/answer-region.ts';
import type { App } from '../src/services.ts';
import { readForm, textField } from '../src/web/form.ts';
import { showPage } from '../src/web/page.ts';
import { Problem } from '../src/web/problem.ts';
import { backToStep, currentStep, pathOf } from './current-step.ts';

const template = path.join(import.meta.dirname, 'regions.ejs');
const questionForm = z.object({
  channel: z.enum(['email', 'phone']),
  address: textField({ most: 400 }),
  at: textField({ most: 20 }),
  to: textField({ most: 300 }),
  mac: textField({ most: 100 }),
});

/**
 * Our other sites (REGIONS). The page says the same to everybody; whether an address has an account at one of them is told to
 * the address alone (src/actions/ask-regions.ts).
 */
export function mountRegions(router: Router, app: App): void {
  const { REGIONS } = app.settings;
  if (REGIONS.length === 0) return;
  router.get('/interaction/:uid/regions', async (ctx) => {
    const current = await currentStep(app, ctx);
    if (current.step.at === 'consent') return backToStep(ctx, current);
    const regions = REGIONS.map(({ issuer, name }) => ({
      name,
      href: `${issuer}/account`,
      host: new URL(issuer).host,
    }));
    const view = {
      regions,
      back: pathOf(current, 'sign-in'),
      mail: app.settings.REGIONS_SECRET !== undefined,
    };
    await showPage(ctx, { template, title: ctx.state.words.t('regions.title'), view });
  });
}

/** For the other sites, not for people. */
export function regionRoutes(app: App): Router {
  const router = new Router();
  if (app.settings.REGIONS_SECRET === undefined) return router;
  router.post('/regions/lookup', async (ctx) => {
    const form = await readForm(ctx, questionForm);
    const answer = form.ok ? await answerRegion(app, form.fields) : undefined;
    ctx.set('Cache-Control', 'no-store');
    if (answer?.ok) {
      ctx.body = { known: answer.known };
      return;
    }
    if (answer?.reason === 'limited') {
      ctx.set('Retry-After', String(answer.retryAfterSeconds));
      ctx.status = 429;
      ctx.body = { error: 'limited' };
      return;
    }
    throw new Problem({ status: 403, code: 'not_a_region', messageKey: 'problem.malformed_request' });
  });
  return router;
}
