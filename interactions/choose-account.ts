import path from 'node:path';
import type Router from '@koa/router';
import type { RouterContext } from '@koa/router';
import { z } from 'zod';
import { type Account, findAccount } from '../src/accounts/account.ts';
import { parseIdentifier } from '../src/accounts/identifier.ts';
import {
  describe,
  forgetAccount,
  listRemembered,
  type RememberedAccount,
  rememberedLifeMs,
} from '../src/actions/remembered-accounts.ts';
import { goOnAsItIs } from '../src/oidc/interaction.ts';
import { currentSession } from '../src/oidc/sessions.ts';
import type { App } from '../src/services.ts';
import { readForm, textField } from '../src/web/form.ts';
import { showPage } from '../src/web/page.ts';
import { readRemembered, writeRemembered } from '../src/web/remembered-cookies.ts';
import { continueSignIn } from './continue-sign-in.ts';
import { backToStep, type CurrentStep, currentStep, pathOf } from './current-step.ts';

const template = path.join(import.meta.dirname, 'choose-account.ejs');
const choiceForm = z.object({ account: textField({ most: 100 }) });

/** One of the accounts of this browser; `signedIn`: its session is there, so choosing it asks for nothing. */
export type Choice = RememberedAccount & { signedIn: boolean };

/**
 * Which account? Asked where an app wants it asked (prompt `select_account`, OpenID Connect Core section 3.1.2.1); the
 * sign-in page has the same list below its form. A browser has one session: choosing another account is a full sign-in, which
 * ends the session that was.
 */
export async function showChooser(
  app: App,
  ctx: RouterContext,
  current: CurrentStep,
): Promise<'shown' | 'not_here'> {
  const { prompt, progress } = current.interaction;
  if (prompt !== 'select_account' || progress !== undefined) return 'not_here';
  const choices = await choicesOf(app, ctx, current);
  if (choices.length === 0) return 'not_here';
  const view = {
    app: current.app,
    ...chooserPart(current, choices),
    startOver: pathOf(current, 'start-over'),
  };
  const cancel = current.app && pathOf(current, 'cancel');
  const title = ctx.state.words.t('choose-account.title');
  await showPage(ctx, { template, title, view: { ...view, cancel } });
  return 'shown';
}

/** For the part `accounts`. */
export function chooserPart(current: CurrentStep, choices: readonly Choice[]) {
  return {
    choices,
    choose: pathOf(current, 'account'),
    forget: pathOf(current, 'account/forget'),
  };
}

/** Who is signed in first, then whom the app's hint means, then the last that signed in. */
export async function choicesOf(
  app: App,
  ctx: RouterContext,
  { interaction }: CurrentStep,
): Promise<Choice[]> {
  const cookies = readRemembered(app.settings, ctx.get('cookie'));
  const session = interaction.sessionUid ? await currentSession(app, ctx) : undefined;
  const owner = session && (await findAccount(app, session.accountId));
  const remembered = await listRemembered(app, cookies);
  const others = remembered.filter(({ accountId }) => accountId !== owner?.id);
  const hinted = await hintedAt(app, interaction.params['login_hint'], others);
  const sorted = others.toSorted((one, other) => Number(hinted(other)) - Number(hinted(one)));
  const first = owner ? [{ ...describe(app, owner), signedIn: true }] : [];
  return [...first, ...sorted.map((one) => ({ ...one, signedIn: false }))];
}

async function hintedAt(app: App, hint: string | undefined, choices: readonly RememberedAccount[]) {
  const parsed = parseIdentifier(hint ?? '', { region: app.settings.DEFAULT_PHONE_REGION });
  if (!parsed.ok) return () => false;
  const { channel, address } = parsed;
  const owns = ({ contacts }: Account) =>
    contacts.some((one) => one.channel === channel && one.address === address);
  const accounts = await Promise.all(choices.map(({ accountId }) => findAccount(app, accountId)));
  const meant = new Set(accounts.filter((one) => one && owns(one)).map((one) => one?.id));
  return ({ accountId }: RememberedAccount) => meant.has(accountId);
}

export function mountChooser(router: Router, app: App): void {
  router.post('/interaction/:uid/account', async (ctx) => {
    const current = await currentStep(app, ctx);
    if (current.step.at === 'consent') return backToStep(ctx, current);
    const form = await readForm(ctx, choiceForm);
    const choices = form.ok ? await choicesOf(app, ctx, current) : [];
    const chosen = choices.find(({ handle }) => form.ok && handle === form.fields.account);
    if (!chosen) return backToStep(ctx, current);
    // Whatever else is asked of them, the engine finds when it goes on.
    if (chosen.signedIn && current.interaction.prompt === 'select_account') {
      const went = await goOnAsItIs(app, ctx);
      if (went.ok) return;
    }
    await continueSignIn(app, ctx, current, { at: 'start', chosen: chosen.accountId });
  });

  router.post('/interaction/:uid/account/forget', async (ctx) => {
    const current = await currentStep(app, ctx);
    const form = await readForm(ctx, choiceForm);
    if (form.ok) {
      const before = readRemembered(app.settings, ctx.get('cookie'));
      const after = forgetAccount(app, before, { handle: form.fields.account });
      writeRemembered(app.settings, ctx, { before, after, lifeMs: rememberedLifeMs });
    }
    backToStep(ctx, current);
  });
}
