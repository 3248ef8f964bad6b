import type { RouterContext } from '@koa/router';
import { parseIdentifier } from '../src/accounts/identifier.ts';
import { type Entry, type SignInProgress, signInStep } from '../src/actions/sign-in.ts';
import type { Visit } from '../src/actions/sign-up.ts';
import { twoFactors } from '../src/kit/levels.ts';
import { type CurrentInteraction, currentInteraction } from '../src/oidc/interaction.ts';
import type { App } from '../src/services.ts';
import { chooseLanguage } from '../src/web/page.ts';
import { Problem } from '../src/web/problem.ts';
import { seeOther } from '../src/web/see-other.ts';
import { readDeviceTokens } from '../src/web/trusted-device-cookies.ts';
import { appName } from './account/app-access.ts';

/** What every page of an interaction begins with: which one it is, how far it has come, and whose it is. */
export type CurrentStep = {
  interaction: CurrentInteraction;
  /** `consent` is not a state of the sign-in: the engine asks for it once somebody is signed in. */
  step: SignInProgress | { at: 'consent' };
  /** The app's name in the reader's language; undefined for our own account pages. */
  app: string | undefined;
};

/** Throws the 410 page for an interaction that is over, was never there, or is another browser's. */
export async function currentStep(app: App, ctx: RouterContext): Promise<CurrentStep> {
  const current = await currentInteraction(app, ctx);
  if (!current.ok || current.interaction.uid !== ctx.params['uid'])
    throw new Problem({ status: 410, code: 'interaction_expired', reason: 'no such interaction' });
  const { interaction } = current;
  chooseLanguage(ctx, interaction.params['ui_locales']);
  const { client, progress, prompt } = interaction;
  // On the consent page somebody may choose to sign in as another person; from then on there is progress.
  const deciding = prompt === 'consent' && progress === undefined;
  return {
    interaction,
    step: deciding ? { at: 'consent' } : signInStep(app, progress),
    app: client && appName(client, ctx.state.words.locale),
  };
}

/** The pages of an interaction are `/interaction/<uid>` and what stands under it. */
export function pathOf({ interaction }: Pick<CurrentStep, 'interaction'>, page?: string): string {
  const path = `/interaction/${interaction.uid}`;
  return page ? `${path}/${page}` : path;
}

/** What the app typed in advance (`login_hint`), where it is an address or number; else nothing. It is never looked up. */
export function hintedAddress(
  { settings }: Pick<App, 'settings'>,
  { interaction }: Pick<CurrentStep, 'interaction'>,
): string {
  const hint = parseIdentifier(interaction.params['login_hint'] ?? '', {
    region: settings.DEFAULT_PHONE_REGION,
  });
  return hint.ok ? hint.written : '';
}

/** A form of a step that is not the current one: another tab went on, or the page is an old one. GET shows what is now. */
export function backToStep(ctx: RouterContext, current: Pick<CurrentStep, 'interaction'>): void {
  seeOther(ctx, pathOf(current));
}

/** Who asks, for the verbs that send something. */
export function visitOf(ctx: RouterContext, { interaction }: Pick<CurrentStep, 'interaction'>): Visit {
  const { source, words } = ctx.state;
  return { interactionUid: interaction.uid, locale: words.locale, from: source };
}

/** What the deciding of a sign-in may look at (src/actions/sign-in.ts). */
export function entryOf(
  app: App,
  ctx: RouterContext,
  { interaction, app: name }: Pick<CurrentStep, 'interaction' | 'app'>,
): Entry {
  const { source, words } = ctx.state;
  return {
    interactionUid: interaction.uid,
    locale: words.locale,
    from: source,
    deviceTokens: readDeviceTokens(app.settings, ctx.get('cookie')),
    stepUp: asksForMore(interaction),
    level: interaction.wanted.least,
    app: name,
    ownSession: interaction.sessionUid,
  };
}

/**
 * Whether the app asks for more than a sign-in: a fresh one (prompt, or max_age while somebody is signed in), or a level
 * (acr_values, RFC 9470 section 4).
 */
function asksForMore({ params, accountId, wanted }: CurrentInteraction): boolean {
  const { prompt = '', max_age: maxAge } = params;
  if (prompt.split(' ').includes('login') || wanted.least >= twoFactors) return true;
  return maxAge !== undefined && accountId !== undefined;
}
