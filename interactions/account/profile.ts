import Router, { type RouterContext } from '@koa/router';
import { changeProfile } from '../../src/actions/change-profile.ts';
import type { App } from '../../src/services.ts';
import { type Problems, readForm } from '../../src/web/form.ts';
import { seeOther } from '../../src/web/see-other.ts';
import type { Translator } from '../../src/web/words.ts';
import { places } from './places.ts';
import { changedProfile, type ProfileField, profileForm, typedProfile } from './profile-form.ts';
import { afterDoing, showAccountPage } from './show-account-page.ts';
import { type SignedIn, signedIn } from './signed-in.ts';

/** What the person says about themselves, and what apps see of it when allowed. */
export function profilePage(app: App): Router {
  const router = new Router();

  router.get(
    places.profile,
    signedIn(app, 'profile', (ctx, who) => show(ctx, who, {}, typedProfile(who.account.profile))),
  );

  router.post(
    places.profile,
    signedIn(app, 'profile', async (ctx, who) => {
      const form = await readForm(ctx, profileForm);
      if (!form.ok) return show(ctx, who, form.problems, form.typed);
      const checked = changedProfile(who.account.profile, form.fields);
      if (!checked.ok) return show(ctx, who, checked.problems, form.fields);
      const stored = await changeProfile(
        app,
        { accountId: who.account.id, profile: checked.profile },
        ctx.state.source,
      );
      if (!stored.ok) throw new Error('an account went away under its own session');
      seeOther(ctx, afterDoing('profile', stored.changed.length > 0 ? 'profile_changed' : 'nothing'));
    }),
  );
  return router;
}

async function show(
  ctx: RouterContext,
  { account }: SignedIn,
  problems: Problems,
  typed: Partial<Record<ProfileField, string | undefined>>,
): Promise<void> {
  const { words } = ctx.state;
  await showAccountPage(ctx, {
    template: 'profile',
    account,
    under: 'profile',
    title: words.t('profile.title'),
    status: Object.keys(problems).length > 0 ? 400 : 200,
    view: {
      problems,
      typed,
      action: places.profile,
      languages: withChosen(languages, typed.locale, (tag) => nameOfLanguage(words, tag)),
      zones: withChosen(Intl.supportedValuesOf('timeZone'), typed.zoneinfo, (zone) =>
        zone.replaceAll('_', ' '),
      ),
    },
  });
}

/** The languages that our pages and messages speak, and a few more that apps may. */
const languages = [
  'ar',
  'de',
  'en',
  'en-GB',
  'en-US',
  'es',
  'fr',
  'hi',
  'it',
  'ja',
  'ko',
  'nl',
  'pl',
  'pt',
  'pt-BR',
  'tr',
  'uk',
  'zh-CN',
  'zh-TW',
];

/** The choices, with what the account has already, even where we would not offer it. */
function withChosen(
  offered: readonly string[],
  chosen: string | undefined,
  label: (value: string) => string,
): { value: string; label: string }[] {
  const values = chosen && !offered.includes(chosen) ? [chosen, ...offered] : offered;
  return values.map((value) => ({ value, label: label(value) }));
}

/** A tag names a language only by its base name: `en-u-ca-buddhist` is English. What is no tag stands for itself. */
function nameOfLanguage({ locale }: Translator, tag: string): string {
  const base = baseName(tag.replaceAll('_', '-'));
  if (base === undefined) return tag;
  const own = new Intl.DisplayNames([base], { type: 'language' }).of(base) ?? tag;
  const here = new Intl.DisplayNames([locale], { type: 'language' }).of(base) ?? tag;
  return own === here ? own : `${own} (${here})`;
}

function baseName(tag: string): string | undefined {
  try {
    return new Intl.Locale(tag).baseName;
  } catch {
    return undefined;
  }
}
