import Router, { type RouterContext } from '@koa/router';
import { z } from 'zod';
import { beginTotp, enrolTotp } from '../../src/actions/enrol-totp.ts';
import { removeTotp } from '../../src/actions/remove-totp.ts';
import { listTotp, type TotpCredential } from '../../src/credentials/totp.ts';
import { totpQr } from '../../src/credentials/totp-qr.ts';
import type { App } from '../../src/services.ts';
import { codeField, optionalTextField, type Problems, readForm } from '../../src/web/form.ts';
import { notFound } from '../../src/web/problem.ts';
import { seeOther } from '../../src/web/see-other.ts';
import type { Sentence, Translator } from '../../src/web/words.ts';
import { places } from './places.ts';
import { afterDoing, showAccountPage } from './show-account-page.ts';
import { provedLately, type SignedIn, signedIn } from './signed-in.ts';
import { withAgo, withDate } from './with-time.ts';

const enrolForm = z.object({
  code: codeField({ required: 'two-step.code_missing' }),
  name: optionalTextField({ most: 60 }),
});

const sentences: Record<'wrong_code' | 'expired' | 'too_many', Sentence> = {
  wrong_code: 'two-step.wrong_code',
  expired: 'two-step.expired',
  too_many: 'two-step.too_many',
};

/** Two-step verification: what it is, the authenticator apps of the account, adding one and taking one off. */
export function twoStepPages(app: App): Router {
  const router = new Router();
  const removal = `${places['two-step']}/:id/remove`;

  router.get(
    places['two-step'],
    signedIn(app, 'two-step', async (ctx, { account }) => {
      const { words } = ctx.state;
      const credentials = await listTotp(app, account.id);
      const view = {
        credentials: credentials.map((one) => credentialLine(words, one)),
        add: places['two-step-new'],
      };
      const title = words.t('two-step.title');
      await showAccountPage(ctx, { template: 'two-step', account, under: 'two-step', title, view });
    }),
  );

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

  router.get(
    removal,
    provedLately(app, 'two-step', async (ctx, { account }) => {
      const credentials = await listTotp(app, account.id);
      const credential = credentials.find(({ id }) => id === ctx.params['id']);
      if (!credential) throw notFound();
      const { words } = ctx.state;
      const line = credentialLine(words, credential);
      const view = { credential: line, last: credentials.length === 1, back: places['two-step'] };
      const title = words.t('two-step.confirm.title', { name: credential.name });
      await showAccountPage(ctx, { template: 'two-step-remove', account, under: 'two-step', title, view });
    }),
  );

  router.post(
    removal,
    provedLately(app, 'two-step', async (ctx, { account, session }) => {
      const { words, source } = ctx.state;
      const removed = await removeTotp(
        app,
        {
          accountId: account.id,
          sessionUid: session.uid,
          id: ctx.params['id'] ?? '',
          locale: words.locale,
        },
        source,
      );
      if (!removed.ok) throw notFound();
      seeOther(ctx, afterDoing('two-step', 'totp_removed'));
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

function credentialLine(words: Translator, { id, name, createdAt, lastUsedAt }: TotpCredential) {
  return {
    name,
    added: withDate(words, 'two-step.added', createdAt),
    used: lastUsedAt === undefined ? undefined : withAgo(words, 'two-step.used', lastUsedAt),
    removal: `${places['two-step']}/${id}/remove`,
    removeLabel: words.t('two-step.remove_named', { name }),
  };
}
