import Router, { type RouterContext } from '@koa/router';
import { z } from 'zod';
import { isLastSecondStep, removePasskey } from '../../src/actions/remove-passkey.ts';
import { renamePasskey } from '../../src/actions/rename-passkey.ts';
import { twoStepOf } from '../../src/actions/second-step-methods.ts';
import { listPasskeys, mostPasskeys, type Passkey } from '../../src/credentials/passkeys.ts';
import type { App } from '../../src/services.ts';
import { type Problems, readForm, textField } from '../../src/web/form.ts';
import { notFound } from '../../src/web/problem.ts';
import { seeOther } from '../../src/web/see-other.ts';
import type { Translator } from '../../src/web/words.ts';
import { browserName } from './browser-name.ts';
import { passkeySignals } from './passkey-signals.ts';
import { places } from './places.ts';
import { afterDoing, showAccountPage } from './show-account-page.ts';
import { provedLately, type SignedIn, signedIn } from './signed-in.ts';
import { withAgo, withDate } from './with-time.ts';

const renameForm = z.object({ name: textField({ most: 60, required: 'passkey.rename.missing' }) });

/** The passkeys and security keys of the account: what each is and where it came from, its name, and taking it off. Adding one is in passkeys-new.ts. */
export function passkeysPages(app: App): Router {
  const router = new Router();
  const rename = `${places.passkeys}/:id/rename`;
  const removal = `${places.passkeys}/:id/remove`;

  router.get(
    places.passkeys,
    signedIn(app, 'passkeys', async (ctx, { account }) => {
      const { words } = ctx.state;
      const [passkeys, { onlyOne }] = await Promise.all([
        listPasskeys(app, account.id),
        twoStepOf(app, account.id),
      ]);
      const view = {
        onlyOne,
        passkeys: passkeys.map((one) => passkeyLine(words, one)),
        full: passkeys.length >= mostPasskeys,
        add: places['passkeys-new'],
        addKey: places['passkeys-new-key'],
        signals: JSON.stringify(await passkeySignals(app, account, passkeys)),
      };
      const title = words.t('passkey.account.title');
      const page = { template: 'passkeys', account, under: 'passkeys', title, view } as const;
      await showAccountPage(ctx, { ...page, scripts: ['passkeys.js'] });
    }),
  );

  router.get(
    rename,
    signedIn(app, 'passkeys', async (ctx, who) => showRename(ctx, who, await named(app, ctx, who))),
  );

  router.post(
    rename,
    signedIn(app, 'passkeys', async (ctx, who) => {
      const passkey = await named(app, ctx, who);
      const form = await readForm(ctx, renameForm);
      if (!form.ok) return showRename(ctx, who, passkey, form.problems, form.typed['name']);
      const { name } = form.fields;
      const what = { accountId: who.account.id, sessionUid: who.session.uid, id: passkey.id, name };
      const renamed = await renamePasskey(app, what, ctx.state.source);
      if (renamed.ok) return seeOther(ctx, afterDoing('passkeys', 'passkey_renamed'));
      if (renamed.reason === 'unknown') throw notFound();
      return showRename(ctx, who, passkey, { name: 'passkey.rename.taken' }, name);
    }),
  );

  router.get(
    removal,
    provedLately(app, 'passkeys', async (ctx, who) => showRemoval(app, ctx, who, await named(app, ctx, who))),
  );

  router.post(
    removal,
    provedLately(app, 'passkeys', async (ctx, who) => {
      const passkey = await named(app, ctx, who);
      const { words, source } = ctx.state;
      const { account, session } = who;
      const what = { accountId: account.id, sessionUid: session.uid, id: passkey.id, locale: words.locale };
      const removed = await removePasskey(app, what, source);
      if (removed.ok) return seeOther(ctx, afterDoing('passkeys', 'passkey_removed'));
      if (removed.reason === 'unknown') throw notFound();
      const sentences = { last_way_in: 'passkey.removal.last', last_second_step: 'passkey.removal.off' };
      return showRemoval(app, ctx, who, passkey, { form: sentences[removed.reason] });
    }),
  );
  return router;
}

/** One of the account's own; whatever else is a page that does not exist. */
async function named(app: App, ctx: RouterContext, { account }: SignedIn): Promise<Passkey> {
  const passkey = (await listPasskeys(app, account.id)).find(({ id }) => id === ctx.params['id']);
  if (!passkey) throw notFound();
  return passkey;
}

async function showRename(
  ctx: RouterContext,
  { account }: SignedIn,
  passkey: Passkey,
  problems: Problems = {},
  name = passkey.name,
): Promise<void> {
  const title = ctx.state.words.t('passkey.rename.title', { name: passkey.name });
  const status = Object.keys(problems).length > 0 ? 400 : 200;
  const view = { problems, name, action: pathOf(passkey, 'rename'), back: places.passkeys };
  await showAccountPage(ctx, {
    template: 'passkeys-rename',
    account,
    under: 'passkeys',
    title,
    view,
    status,
  });
}

async function showRemoval(
  app: App,
  ctx: RouterContext,
  { account }: SignedIn,
  passkey: Passkey,
  problems: Problems = {},
): Promise<void> {
  const title = ctx.state.words.t('passkey.removal.title', { name: passkey.name });
  const status = Object.keys(problems).length > 0 ? 400 : 200;
  const last = await isLastSecondStep(app, { accountId: account.id, id: passkey.id });
  const view = {
    problems: last ? { form: 'passkey.removal.off' } : problems,
    last,
    action: pathOf(passkey, 'remove'),
    back: places.passkeys,
    twoStep: places['two-step'],
  };
  await showAccountPage(ctx, {
    template: 'passkeys-remove',
    account,
    under: 'passkeys',
    title,
    view,
    status,
  });
}

function passkeyLine(words: Translator, passkey: Passkey) {
  const { name, createdAt, createdUserAgent, lastUsedAt, kind, backup } = passkey;
  const where =
    createdUserAgent && words.t('passkey.account.where', { browser: browserName(words, createdUserAgent) });
  const synced = backup === 'none' ? 'one_device' : 'synced';
  return {
    name,
    badge: words.t(`passkey.account.${kind === 'security_key' ? 'security_key' : synced}`),
    copied:
      passkey.copySuspectedAt === undefined ? undefined : words.t('passkey.account.copied.text', { name }),
    added: withDate(words, 'passkey.account.added', createdAt),
    where: where || undefined,
    used: lastUsedAt === undefined ? undefined : withAgo(words, 'passkey.account.used', lastUsedAt),
    rename: pathOf(passkey, 'rename'),
    renameLabel: words.t('passkey.account.rename_named', { name }),
    removal: pathOf(passkey, 'remove'),
    removeLabel: words.t('passkey.account.remove_named', { name }),
  };
}

function pathOf({ id }: Passkey, what: 'rename' | 'remove'): string {
  return `${places.passkeys}/${id}/${what}`;
}
