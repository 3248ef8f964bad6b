import path from 'node:path';
import type Router from '@koa/router';
import type { RouterContext } from '@koa/router';
import { z } from 'zod';
import { findLogo } from '../clients/registry/logos.ts';
import { findAccount } from '../src/accounts/account.ts';
import { firstContact } from '../src/accounts/claims.ts';
import { describe } from '../src/actions/remembered-accounts.ts';
import { submitPassword } from '../src/actions/sign-in-password.ts';
import { listPasskeys } from '../src/credentials/passkeys.ts';
import { relyingParty } from '../src/credentials/webauthn-party.ts';
import { anotherPerson } from '../src/oidc/answers/named-person.ts';
import type { App } from '../src/services.ts';
import { type Problems, passwordField, readForm, textField, tickBox } from '../src/web/form.ts';
import { showPage } from '../src/web/page.ts';
import { appDocuments } from './account/app-access.ts';
import { challengeFields, challengeIsDue, challengeOf, meetsChallenge } from './challenge.ts';
import { choicesOf, chooserPart } from './choose-account.ts';
import { askAhead, continueSignIn } from './continue-sign-in.ts';
import { backToStep, type CurrentStep, currentStep, hintedAddress, pathOf } from './current-step.ts';
import { wasOvertaken } from './overtaken.ts';
import { limitedSentence } from './problem-sentences.ts';

const template = path.join(import.meta.dirname, 'sign-in.ejs');
const stoppedTemplate = path.join(import.meta.dirname, 'stopped.ejs');

const signInForm = z.object({
  identifier: textField({ most: 400, required: 'sign-in.identifier_missing' }),
  password: passwordField({ required: 'sign-in.password_missing' }),
  remember: tickBox(),
  ...challengeFields,
});
/** After the account chooser: whose it is stands in the progress, and the page does not spell the address out. */
const chosenForm = signInForm.omit({ identifier: true });

type Shown = {
  problems: Problems;
  identifier: string;
  remember: boolean;
  status: number;
  done?: string | undefined;
  /** A passkey was refused; `unknown` is the id of one that nobody has any more, for the password manager to forget it. */
  refused?: { unknown: string | undefined };
  /** The challenge of a form that was not looked at yet. */
  kept?: string | undefined;
};

export async function showSignIn(app: App, ctx: RouterContext, current: CurrentStep): Promise<void> {
  const { step } = current;
  const notice = step.at === 'start' ? step.notice : undefined;
  const problems: Problems = notice && notice !== 'password_set' ? { form: `sign-in.notice.${notice}` } : {};
  const done = notice === 'password_set' ? 'sign-in.notice.password_set' : undefined;
  const identifier = await expected(app, current);
  await show(app, ctx, current, { problems, identifier, remember: false, status: 200, done });
}

async function show(
  app: App,
  ctx: RouterContext,
  current: CurrentStep,
  { status, refused, kept, ...shown }: Shown,
): Promise<void> {
  const { client } = current.interaction;
  const logo = client && (await findLogo(app, client.clientId));
  const view = {
    ...shown,
    app: current.app,
    logo: logo?.dataUri,
    ...(client ? appDocuments(client, ctx.state.words.locale) : { privacy: undefined, terms: undefined }),
    action: pathOf(current, 'password'),
    forgot: pathOf(current, 'forgot'),
    signUp: pathOf(current, 'sign-up'),
    regions: app.settings.REGIONS.length > 0 ? pathOf(current, 'regions') : undefined,
    cancel: current.app && pathOf(current, 'cancel'),
    passkey: await passkeyPart(app, current, refused),
    chosen: await chosenPart(app, current),
    accounts: await accountsPart(app, ctx, current),
    challenge: await challengeOf(app, ctx, 'sign_in', kept),
  };
  const scripts = [...(view.passkey ? ['passkeys.js'] : []), ...(view.challenge ? ['challenge.js'] : [])];
  await showPage(ctx, { template, title: ctx.state.words.t('sign-in.title'), view, status, scripts });
}

async function chosenPart(app: App, current: CurrentStep) {
  const account = await chosenAccount(app, current);
  return account && { ...describe(app, account), startOver: pathOf(current, 'start-over') };
}

async function chosenAccount(app: App, { step }: CurrentStep) {
  return step.at === 'start' && step.chosen !== undefined ? await findAccount(app, step.chosen) : undefined;
}

/** Others who signed in on this browser, below the form; undefined when there are none, or one was chosen. */
async function accountsPart(app: App, ctx: RouterContext, current: CurrentStep) {
  if (current.step.at === 'start' && current.step.chosen !== undefined) return undefined;
  const others = (await choicesOf(app, ctx, current)).filter(({ signedIn }) => !signedIn);
  return others.length > 0 ? chooserPart(current, others) : undefined;
}

/** The page once more, with who is expected, after a passkey was refused. */
export async function showSignInAgain(
  app: App,
  ctx: RouterContext,
  current: CurrentStep,
  shown: Omit<Shown, 'identifier' | 'done'>,
): Promise<void> {
  await show(app, ctx, current, { ...shown, identifier: await expected(app, current) });
}

/** `first`: who is signed in here, is asked to prove it again and has a passkey, is asked for that before the password. */
async function passkeyPart(app: App, current: CurrentStep, refused: Shown['refused']) {
  const party = relyingParty(app.settings);
  if (!party) return undefined;
  const accountId = askedAgain(current);
  const theirs = accountId ? await listPasskeys(app, accountId) : [];
  // Where others use our name too, a key that we do not know may be theirs (docs/decisions/0018-passkeys.md).
  const credentialId = party.alone ? refused?.unknown : undefined;
  return {
    action: pathOf(current, 'passkey'),
    first: theirs.some(({ kind }) => kind === 'passkey'),
    // One that was just refused is not offered at once again: the button is there for who wants to.
    autofill: !refused,
    signals: credentialId && JSON.stringify({ unknown: { rpId: party.id, credentialId } }),
  };
}

/**
 * Whom the page expects: the app's hint if it is an address, else who is signed in here and is asked again. Both are
 * only typed in advance, never looked up: a hint must not tell whether somebody has an account.
 */
async function expected(app: App, current: CurrentStep): Promise<string> {
  const hint = hintedAddress(app, current);
  if (hint) return hint;
  const accountId = askedAgain(current);
  if (!accountId) return '';
  const account = await findAccount(app, accountId);
  const contact = account && (firstContact(account, 'email') ?? firstContact(account, 'phone'));
  return contact?.written ?? '';
}

/** Who is signed in here and is the one to prove it again: not where the app named somebody else. */
function askedAgain({ interaction }: CurrentStep): string | undefined {
  const { accountId, prompt, reasons } = interaction;
  return prompt === 'login' && !reasons.includes(anotherPerson) ? accountId : undefined;
}

/** Only somebody who proved every factor comes here, so the reason may be told. */
export async function showStopped(
  ctx: RouterContext,
  current: CurrentStep,
  how: 'suspended' | 'locked',
): Promise<void> {
  const view = {
    how,
    startOver: pathOf(current, 'start-over'),
    cancel: current.app && pathOf(current, 'cancel'),
    app: current.app,
  };
  const title = ctx.state.words.t(`sign-in.${how}.title`);
  await showPage(ctx, {
    template: stoppedTemplate,
    title,
    view,
    status: 403,
    errorCode: `account_${how}`,
  });
}

export function mountSignIn(router: Router, app: App): void {
  // Beside the page that the step decides, for the links of sign-up and reset: who began those may turn back.
  router.get('/interaction/:uid/sign-in', async (ctx) => {
    const current = await currentStep(app, ctx);
    if (current.step.at === 'consent') return backToStep(ctx, current);
    await showSignIn(app, ctx, current);
  });

  router.post('/interaction/:uid/password', async (ctx) => {
    const due = challengeIsDue(app, ctx, 'sign_in');
    const current = await currentStep(app, ctx);
    if (current.step.at === 'consent') return backToStep(ctx, current);
    const chosen = await chosenAccount(app, current);
    const form = await readForm(ctx, chosen ? chosenForm : signInForm);
    if (!form.ok) {
      const { identifier = '', remember, challenge: kept } = form.typed;
      const again = { problems: form.problems, identifier, remember: Boolean(remember), status: 400, kept };
      return await show(app, ctx, current, again);
    }
    const typed = { identifier: '', ...form.fields };
    const contact = chosen && (firstContact(chosen, 'email') ?? firstContact(chosen, 'phone'));
    const identifier = contact?.written ?? typed.identifier;
    const { remember } = typed;
    if (!chosen && (await wasOvertaken(app, ctx, current, { identifier }))) return;
    const effort = await meetsChallenge(app, ctx, 'sign_in', form.fields, due);
    if (!effort.ok) return await show(app, ctx, current, { ...effort, identifier, remember });
    const ahead = askAhead(app, ctx, current);
    const answer = await submitPassword(app, { ...typed, identifier }, ctx.state.source);
    if (answer.ok) return await continueSignIn(app, ctx, current, answer.next, ahead);
    const limited = answer.reason === 'limited';
    const sentence = limited ? limitedSentence(ctx, answer, 'sign-in.limited') : 'sign-in.refused';
    const again = { problems: { form: sentence }, identifier, remember, status: limited ? 429 : 400 };
    await show(app, ctx, current, again);
  });
}
