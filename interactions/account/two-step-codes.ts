import Router from '@koa/router';
import { makeBackupCodes, takeBackupCodes } from '../../src/actions/make-backup-codes.ts';
import { findBackupCodes } from '../../src/credentials/backup-codes.ts';
import type { App } from '../../src/services.ts';
import { seeOther } from '../../src/web/see-other.ts';
import type { Translator } from '../../src/web/words.ts';
import { places } from './places.ts';
import { showAccountPage } from './show-account-page.ts';
import { provedLately } from './signed-in.ts';

/**
 * Backup codes. Made by a POST; the GET that follows takes them out of where they wait and is the only one that ever shows them.
 * What there is to download stands in the page itself, so that nothing has to be asked for a second time.
 */
export function twoStepCodesPages(app: App): Router {
  const router = new Router();
  const shown = `${places['two-step-codes']}/new`;

  router.get(
    places['two-step-codes'],
    provedLately(app, 'two-step-codes', async (ctx, { account }) => {
      const { words } = ctx.state;
      const codes = await findBackupCodes(app, account.id);
      const view = {
        left: codes?.left,
        action: places['two-step-codes'],
        back: places['two-step'],
        problems: {},
      };
      const title = words.t('two-step.codes');
      await showAccountPage(ctx, { template: 'two-step-codes', account, under: 'two-step', title, view });
    }),
  );

  router.post(
    places['two-step-codes'],
    provedLately(app, 'two-step-codes', async (ctx, { account, session }) => {
      const { words, source } = ctx.state;
      const who = { accountId: account.id, sessionUid: session.uid, locale: words.locale };
      const made = await makeBackupCodes(app, who, source);
      if (made.ok) return seeOther(ctx, shown);
      const problems = { form: 'two-step.codes.off' };
      const view = { left: undefined, action: places['two-step-codes'], back: places['two-step'], problems };
      const title = words.t('two-step.codes');
      const page = { template: 'two-step-codes', account, under: 'two-step', title, view } as const;
      await showAccountPage(ctx, { ...page, status: 400 });
    }),
  );

  router.get(
    shown,
    provedLately(app, 'two-step-codes', async (ctx, { account, session }) => {
      const { words } = ctx.state;
      const codes = await takeBackupCodes(app, { accountId: account.id, sessionUid: session.uid });
      const view = {
        codes,
        file: codes && fileOf(words, codes, app.settings.BRAND_NAME),
        back: places['two-step'],
        again: places['two-step-codes'],
      };
      const title = words.t('two-step.codes.shown');
      const page = { template: 'two-step-codes-new', account, under: 'two-step', title, view } as const;
      await showAccountPage(ctx, { ...page, status: codes ? 200 : 410 });
    }),
  );
  return router;
}

/** A text file, as the address that its link has: no second request brings the codes again. */
function fileOf(words: Translator, codes: readonly string[], brand: string) {
  const title = words.t('two-step.codes.file', { brand });
  const text = [title, '', ...codes, ''].join('\r\n');
  return {
    address: `data:text/plain;charset=utf-8,${encodeURIComponent(text)}`,
    name: `${title.replace(/[^\p{L}\p{N} -]/gu, '')}.txt`,
  };
}
