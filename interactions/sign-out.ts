import path from 'node:path';
import type { Context } from 'koa';
import { findAccount } from '../src/accounts/account.ts';
import { firstContact } from '../src/accounts/claims.ts';
import type { EngineViews } from '../src/oidc/views.ts';
import type { Services } from '../src/services.ts';
import { showPage } from '../src/web/page.ts';
import { requestState } from '../src/web/request-state.ts';

const template = path.join(import.meta.dirname, 'sign-out.ejs');
const doneTemplate = path.join(import.meta.dirname, 'signed-out.ejs');

type Question = Parameters<EngineViews['showSignOut']>[1];

/**
 * An app asks to sign the person out. Always a question, whoever asks: a link or a picture on any site can lead here
 * (misuse case SE-05). It names the account, since the app may have meant another one.
 */
export async function showSignOut(
  { db }: Pick<Services, 'db'>,
  ctx: Context,
  { action, xsrf, accountId, clientName, otherAccount }: Question,
): Promise<void> {
  const account = await findAccount({ db }, accountId);
  const contact = account && (firstContact(account, 'email') ?? firstContact(account, 'phone'));
  const who = contact?.written ?? account?.profile.name ?? accountId;
  const view = { action, xsrf, who, app: clientName, otherAccount };
  await showPage(ctx, { template, title: requestState(ctx).words.t('sign-out.title'), view });
}

/** Where signing out ends when the app named no registered page of its own to go back to. */
export async function showSignedOut(ctx: Context): Promise<void> {
  const title = requestState(ctx).words.t('sign-out.done.title');
  await showPage(ctx, { template: doneTemplate, title, view: {}, staysHere: true });
}
