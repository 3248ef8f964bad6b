import type { RouterContext } from '@koa/router';
import { completeSignIn } from '../src/actions/complete-sign-in.ts';
import { beforeFinishing } from '../src/actions/offer-passkey.ts';
import { findPasskeyVisit } from '../src/actions/passkey-visit.ts';
import { type Finished, type NextStep, whatIsStillNeeded } from '../src/actions/sign-in.ts';
import { readStanding, type Standing } from '../src/actions/standing.ts';
import { withdrawTrust } from '../src/actions/trust-device.ts';
import { knownBrowserLifeMs } from '../src/credentials/known-browsers.ts';
import { finishLogin, rememberProgress } from '../src/oidc/interaction.ts';
import { beginChange } from '../src/oidc/interaction-change.ts';
import type { App } from '../src/services.ts';
import { writeKnownBrowser } from '../src/web/known-browser-cookie.ts';
import { writeDeviceToken } from '../src/web/trusted-device-cookies.ts';
import { backToStep, type CurrentStep, entryOf } from './current-step.ts';
import { keepAccount } from './keep-account.ts';

/**
 * The only way forward: of whatever a verb of the sign-in has proved it is asked what is still needed; that is remembered, or,
 * when everything is proved, handed to the engine. Answers 303 in any case; the GET that follows shows the page, so a reload never posts twice.
 */
export async function continueSignIn(
  app: App,
  ctx: RouterContext,
  current: CurrentStep,
  led: NextStep,
  { visit } = askAhead(app, ctx, current),
): Promise<void> {
  const entry = entryOf(app, ctx, current);
  const { browser } = entry.from;
  const standing = led.at === 'proved' ? await readStanding(app, { ...led, browser }) : undefined;
  const needed = led.at === 'proved' ? await whatIsStillNeeded(app, led, entry, { standing }) : led;
  const atTheEnd = needed.at === 'finished' && current.step.at !== 'passkey_offer';
  const next = atTheEnd ? await beforeFinishing(app, needed, { ...entry, visit }) : needed;
  if (next.at === 'finished') return await finish(app, ctx, current, { finished: next, standing });
  await rememberProgress(app, ctx, next);
  backToStep(ctx, current);
}

/** What going on asks of the live state, for a verb that waits for something else: then it is asked beside that. */
export function askAhead(
  app: App,
  ctx: RouterContext,
  { interaction }: Pick<CurrentStep, 'interaction'>,
): { visit: ReturnType<typeof findPasskeyVisit> } {
  beginChange(app, ctx, interaction.uid);
  const visit = findPasskeyVisit(app, interaction.uid);
  // Not waited for where the sign-in goes on elsewhere.
  visit.catch(() => undefined);
  return { visit };
}

async function finish(
  app: App,
  ctx: RouterContext,
  current: CurrentStep,
  { finished: next, standing }: { finished: Finished; standing: Standing | undefined },
): Promise<void> {
  const { accountId, amr, remember, device, generation, signedInAt } = next;
  const proved = { accountId, amr, signedInAt, remember, generation };
  const finished = await finishLogin(app, ctx, proved);
  // Another tab was first. The page that follows says where things stand now.
  if (!finished.ok) {
    if (device) await withdrawTrust(app, { accountId, id: device.id }, ctx.state.source);
    return backToStep(ctx, current);
  }
  const known = await completeSignIn(
    app,
    { accountId, amr, standing, locale: ctx.state.words.locale },
    ctx.state.source,
  );
  if (known) writeKnownBrowser(app.settings, ctx, { token: known.token, lifeMs: knownBrowserLifeMs });
  keepAccount(app, ctx, next);
  const { settings, clock } = app;
  if (device)
    writeDeviceToken(settings, ctx, { token: device.token, lifeMs: device.expiresAt - clock.now() });
}
