import Router, { type RouterContext } from '@koa/router';
import { z } from 'zod';
import { beginTotp, enrolTotp } from '../../src/actions/enrol-totp.ts';
import { totpQr } from '../../src/credentials/totp-qr.ts';
import type { App } from '../../src/services.ts';
import { codeField, optionalTextField, type Problems, readForm } from '../../src/web/form.ts';
import { notFound } from '../../src/web/problem.ts';
import { seeOther } from '../../src/web/see-other.ts';
import type { Sentence } from '../../src/web/words.ts';
import { places } from './places.ts';
import { afterDoing, showAccountPage } from './show-account-page.ts';
import { provedLately, type SignedIn } from './signed-in.ts';

const enrolForm = z.object({
  code: codeField({ required: 'two-step.code_missing' }),
  name: optionalTextField({ most: 60 }),
});

const sentences: Record<'wrong_code' | 'expired' | 'too_many', Sentence> = {
  wrong_code: 'two-step.wrong_code',
  expired: 'two-step.expired',
  too_many: 'two-step.too_many',
};

/** Adding an authenticator app: the picture to scan, its name, and its first code. */
export function twoStepTotpPages(app: App): Router {
  const router = new Router();

  router.get(
    places['two-step-new'],
    provedLately(app, 'two-step-new', (ctx, who) => showEnrolment(app, ctx, who, {})),
  );

  router.post(
    places['two-step-new'],
    provedLately(app, 'two-step-new', async (ctx, who) => {
      const { words, source } = ctx.state;
      const form = await readForm(ctx, enrolForm);
      if (!form.ok) return showEnrolment(app, ctx, who, form.problems, form.typed['name']);
      const { code, name } = form.fields;
      const enrolled = await enrolTotp(
        app,
        {
          accountId: who.account.id,
          sessionUid: who.session.uid,
          code,
          name: name || words.t('two-step.enrol.name.default'),
          locale: words.locale,
        },
        source,
      );
      if (enrolled.ok) return seeOther(ctx, afterDoing('two-step', 'totp_added'));
      const field = enrolled.reason === 'wrong_code' ? 'code' : 'form';
      return showEnrolment(app, ctx, who, { [field]: sentences[enrolled.reason] }, name);
    }),
  );
  return router;
}

async function showEnrolment(
  app: App,
  ctx: RouterContext,
  { account, session }: SignedIn,
  problems: Problems,
  name = '',
): Promise<void> {
  const { words } = ctx.state;
  const begun = await beginTotp(app, { accountId: account.id, sessionUid: session.uid });
  if (!begun.ok && begun.reason === 'unknown_account') throw notFound();
  await showAccountPage(ctx, {
    template: 'two-step-new',
    account,
    under: 'two-step',
    title: words.t('two-step.enrol.title'),
    status: Object.keys(problems).length > 0 ? 400 : 200,
    view: {
      problems: begun.ok ? problems : { form: sentences.too_many },
      back: places['two-step'],
      action: places['two-step-new'],
      name,
      enrolment: begun.ok && {
        picture: totpQr(begun.uri),
        uri: begun.uri,
        key: begun.secret.match(/.{1,4}/g)?.join(' ') ?? begun.secret,
      },
    },
  });
}
