import path from 'node:path';
import type { RouterContext } from '@koa/router';
import type { Account } from '../../src/accounts/account.ts';
import { firstContact } from '../../src/accounts/claims.ts';
import { type PageOptions, showPage } from '../../src/web/page.ts';
import type { Translator } from '../../src/web/words.ts';
import { type Place, places } from './places.ts';

const navigation = [
  { place: 'overview', icon: 'home' },
  { place: 'profile', icon: 'person' },
  { place: 'password', icon: 'lock' },
  { place: 'two-step', icon: 'shield' },
  { place: 'passkeys', icon: 'key' },
  { place: 'apps', icon: 'apps' },
  { place: 'sessions', icon: 'device' },
  { place: 'activity', icon: 'activity' },
] as const;

/** What a page may say was just done, after the 303: a closed list, since it stands in the address. */
const said = [
  'app_removed',
  'session_ended',
  'sessions_ended',
  'totp_added',
  'text_added',
  'method_removed',
  'method_preferred',
  'two_step_on',
  'two_step_off',
  'approvals_on',
  'approvals_off',
  'sign_in_approved',
  'device_renamed',
  'device_removed',
  'devices_removed',
  'passkey_added',
  'passkey_renamed',
  'passkey_removed',
  'password_changed',
  'profile_changed',
  'nothing',
] as const;
export type Said = (typeof said)[number];

type AccountPage = Pick<PageOptions, 'title' | 'view' | 'status' | 'scripts' | 'errorCode'> & {
  /** The template beside this file, without its ending. */
  template: string;
  account: Account;
  /** Under which entry of the navigation the page stands. */
  under: (typeof navigation)[number]['place'];
};

/** A page in the account's frame. Its template also gets `done`: the sentence about what was just done, if any. */
export async function showAccountPage(ctx: RouterContext, page: AccountPage): Promise<void> {
  const { words } = ctx.state;
  const { template, account, under, view, ...options } = page;
  await showPage(ctx, {
    ...options,
    template: path.join(import.meta.dirname, `${template}.ejs`),
    view: { ...view, done: whatWasDone(ctx, words) },
    shell: 'account',
    nav: {
      items: navigation.map(({ place, icon }) => ({
        href: places[place],
        label: words.t(`account.nav.${place}`),
        icon,
      })),
      current: places[under],
      who: nameOf(account),
      signOut: '/account/sign-out',
      warning: ctx.query['did'] === onlyOne ? words.t('account.only_one') : undefined,
      asked: template.startsWith('approval') ? undefined : whoAsks(ctx),
    },
  });
}

/** Somebody is signing in elsewhere and waits for this person's yes: every page leads to it. */
function whoAsks({ state: { openApprovals = 0, words } }: RouterContext) {
  if (openApprovals === 0) return undefined;
  const text = words.t('approvals.banner', { count: openApprovals });
  return { text, label: words.t('approvals.see'), href: places.approvals };
}

const onlyOne = 'only_one';

/** Where a sign-in leads whose account hangs by one method: the page says it above everything else, this once. */
export function withOnlyOneWarning(place: Place): string {
  return `${places[place]}?did=${onlyOne}`;
}

/** The address of a page that says what was done. */
export function afterDoing(place: Place, what: Said): string {
  return `${places[place]}?did=${what}`;
}

function whatWasDone(ctx: RouterContext, words: Translator): string | undefined {
  const what = said.find((one) => one === ctx.query['did']);
  return ctx.method === 'POST' || !what ? undefined : words.t(`account.did.${what}`);
}

/** How people recognise themselves. */
export function nameOf(account: Account): string {
  const contact = firstContact(account, 'email') ?? firstContact(account, 'phone');
  return account.profile.name ?? contact?.written ?? account.profile.given_name ?? account.id;
}
