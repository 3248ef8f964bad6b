import Router, { type RouterContext } from '@koa/router';
import { z } from 'zod';
import { beginPasskey, enrolPasskey, type PasskeyInMaking } from '../../src/actions/enrol-passkey.ts';
import { askForPasskeyStep } from '../../src/actions/second-step-passkey.ts';
import { listPasskeys, mostPasskeys } from '../../src/credentials/passkeys.ts';
import type { App } from '../../src/services.ts';
import { type Problems, readForm } from '../../src/web/form.ts';
import { seeOther } from '../../src/web/see-other.ts';
import { answerOptions, passkeyResponse } from '../passkey-answers.ts';
import { browserName } from './browser-name.ts';
import { places } from './places.ts';
import { afterDoing, showAccountPage } from './show-account-page.ts';
import { provedLately, type SignedIn, signedIn } from './signed-in.ts';

const madeForm = z.object({ response: passkeyResponse('create') });

const pages = [
  { place: 'passkeys-new', making: 'passkey', words: 'passkey.new' },
  { place: 'passkeys-new-key', making: 'security_key', words: 'passkey.new_key' },
] as const;
type NewPage = (typeof pages)[number];

/** Adding a passkey, or a security key to stand beside the password: the same page with other words and another wish to the browser. */
export function passkeysNewPages(app: App): Router {
  const router = new Router();
  for (const page of pages) {
    const { place } = page;
    router.get(
      places[place],
      provedLately(app, place, (ctx, who) => showNew(app, ctx, who, page)),
    );

    router.post(
      `${places[place]}/options`,
      provedLately(app, place, async (ctx, who) => {
        answerOptions(ctx, await beginPasskey(app, inMaking(who, page), ctx.state.source));
      }),
    );

    router.post(
      places[place],
      provedLately(app, place, async (ctx, who) => {
        const form = await readForm(ctx, madeForm);
        if (!form.ok) return showNew(app, ctx, who, page, { form: 'passkey.create.failed' });
        const { words, source } = ctx.state;
        const made = {
          response: form.fields.response,
          fallbackName: fallbackName(ctx, page),
          locale: words.locale,
        };
        const enrolled = await enrolPasskey(app, { ...inMaking(who, page), ...made }, source);
        if (enrolled.ok) return seeOther(ctx, afterDoing('passkeys', 'passkey_added'));
        return showNew(app, ctx, who, page, { form: `passkey.enrol.${enrolled.reason}` });
      }),
    );
  }

  // For the page that asks for a fresh proof (confirm.ts), when that is to be a passkey.
  router.post(
    '/account/confirm/options',
    signedIn(app, 'overview', async (ctx, { account, session }) => {
      const { words, source } = ctx.state;
      const occasion = {
        purpose: 'step_up',
        boundTo: session.uid,
        locale: words.locale,
        from: source,
      } as const;
      answerOptions(ctx, await askForPasskeyStep(app, { accountId: account.id, occasion }));
    }),
  );
  return router;
}

function inMaking({ account, session }: SignedIn, { making }: NewPage): PasskeyInMaking {
  return { accountId: account.id, at: 'enrol', boundTo: session.uid, making };
}

function fallbackName(ctx: RouterContext, { making }: NewPage): string {
  const { words, source } = ctx.state;
  if (making === 'security_key') return words.t('passkey.default_name.security_key');
  return words.t('passkey.default_name.on', { browser: browserName(words, source.userAgent) });
}

async function showNew(
  app: App,
  ctx: RouterContext,
  { account }: SignedIn,
  { place, words: topic }: NewPage,
  problems: Problems = {},
): Promise<void> {
  const { words } = ctx.state;
  const full = (await listPasskeys(app, account.id)).length >= mostPasskeys;
  const view = {
    problems: full ? { form: 'passkey.enrol.too_many' } : problems,
    full,
    text: words.t(`${topic}.text`),
    button: words.t(`${topic}.button`),
    action: places[place],
    back: places.passkeys,
  };
  const status = Object.keys(view.problems).length > 0 ? 400 : 200;
  const title = words.t(`${topic}.title`);
  const page = { template: 'passkeys-new', account, under: 'passkeys', title, view, status } as const;
  await showAccountPage(ctx, { ...page, scripts: ['passkeys.js'] });
}
