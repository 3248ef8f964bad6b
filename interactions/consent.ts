import path from 'node:path';
import type Router from '@koa/router';
import type { RouterContext } from '@koa/router';
import { z } from 'zod';
import { findLogo } from '../clients/registry/logos.ts';
import { isUnverified } from '../clients/registry/registration.ts';
import type { Client } from '../clients/registry/registry.ts';
import { type Account, findAccount } from '../src/accounts/account.ts';
import { claimsOf, firstContact } from '../src/accounts/claims.ts';
import { compatProfileOf } from '../src/accounts/compat-profile.ts';
import { giveConsent } from '../src/actions/give-consent.ts';
import { refuseConsent } from '../src/actions/refuse-consent.ts';
import { isApiScope } from '../src/consents/api-scopes.ts';
import {
  compatMarker,
  essentialIn,
  isAutomatic,
  isCompatOptional,
  isCompatScope,
  onlyListed,
} from '../src/consents/compat-scopes.ts';
import { type Consent, findConsent } from '../src/consents/consent.ts';
import { askableScopes, isScope, scopeRules } from '../src/consents/scopes.ts';
import { leaveDecision, takeDecision } from '../src/oidc/decision.ts';
import { finishConsent, refuseInteraction } from '../src/oidc/interaction.ts';
import type { App } from '../src/services.ts';
import { readForm } from '../src/web/form.ts';
import { showPage } from '../src/web/page.ts';
import { Problem } from '../src/web/problem.ts';
import type { Translator } from '../src/web/words.ts';
import { appDocuments, appName } from './account/app-access.ts';
import {
  apiScopeDetail,
  apiScopeIsOptional,
  apiScopesIn,
  apiScopeTitle,
  apisNamedIn,
  type KnownApis,
} from './api-scopes.ts';
import { sharedValues } from './claim-values.ts';
import { backToStep, type CurrentStep, currentStep, pathOf } from './current-step.ts';
import { detailLines } from './detail-lines.ts';
import { scopeDetail, scopeTitle } from './scope-words.ts';

const template = path.join(import.meta.dirname, 'consent.ejs');
const consentForm = z.object({
  decision: z.enum(['allow', 'deny']),
  scope: z.array(z.string().max(720)).max(50),
});

/** Who decides, about which app, and what: `asked` is decided now, `already` was allowed before. */
type Question = {
  account: Account;
  client: Client;
  before: Consent | undefined;
  asked: string[];
  /** Whether it is only asked what the app did not ask before, and not everything anew. */
  addition: boolean;
  already: string[];
  apis: KnownApis;
  details: CurrentStep['interaction']['details'];
  /** Whether the person may leave it out. */
  isOptional: (scope: string) => boolean;
};

async function openQuestion(app: App, { interaction }: CurrentStep): Promise<Question> {
  const { accountId, client, newScopes, requestedScopes, params } = interaction;
  const account = accountId === undefined ? undefined : await findAccount(app, accountId);
  if (!account || !client)
    throw new Problem({ status: 410, code: 'interaction_expired', reason: 'nobody or no app to decide on' });
  const before = await findConsent(app, { accountId: account.id, clientId: client.clientId });
  const kind = { compatible: client.metadata.login_with_amazon };
  const requested = await scopesAsked(app, client, { scopes: requestedScopes, params });
  // What has no name of its own on the page goes with whatever is allowed there.
  const marker = requested.filter((scope) => scope === compatMarker);
  const undecided =
    newScopes.length > 0
      ? [...askableScopes([...newScopes, ...marker], kind), ...newScopes.filter(isApiScope)]
      : [];
  // Nothing new: the app asked to be shown the page (prompt=consent), so everything may be decided anew.
  const onlyDetails = before !== undefined && interaction.details.length > 0;
  const asked = undecided.length > 0 || onlyDetails ? undecided : requested;
  const allowed = before?.allowed ?? [];
  const already = [...askableScopes(allowed, kind), ...allowed.filter(isApiScope)]
    .filter((scope) => !asked.includes(scope))
    .filter((scope) => !isAutomatic(scope));
  const addition = before !== undefined && (undecided.length > 0 || interaction.details.length > 0);
  const apis = await apisNamedIn(app, [...asked, ...already]);
  const isOptional = optionalIn(params, apis);
  const { details } = interaction;
  return { account, client, before, asked, addition, already, apis, details, isOptional };
}

/** Of ours, and of the APIs that were named (RFC 8707). */
export async function scopesAsked(
  app: Pick<App, 'db'>,
  { metadata }: Client,
  { scopes, params }: { scopes: readonly string[]; params: Record<string, string | undefined> },
): Promise<string[]> {
  const ours = askableScopes(scopes, { compatible: metadata.login_with_amazon });
  return [...onlyListed(ours, metadata.scope), ...(await apiScopesIn(app, params))];
}

/** What goes without saying has a line only where there is nothing else. */
export function scopesToShow(asked: readonly string[]): string[] {
  const named = asked.filter((scope) => !isAutomatic(scope));
  return named.length > 0 ? named : asked.slice(0, 1);
}

/** Which scopes of this request a person may leave out. */
export function optionalIn(
  params: Record<string, string | undefined>,
  apis: KnownApis = new Map(),
): (scope: string) => boolean {
  const essential = essentialIn(params['scope_data']);
  return (scope) =>
    isApiScope(scope)
      ? apiScopeIsOptional(apis, scope)
      : isScope(scope)
        ? scopeRules(scope).optional
        : isCompatOptional(scope, essential);
}

export async function showConsent(app: App, ctx: RouterContext, current: CurrentStep): Promise<void> {
  const { words } = ctx.state;
  const question = await openQuestion(app, current);
  const { account, client, asked, already } = question;
  const { settings } = app;
  const name = appName(client, words.locale);
  const shown = scopesToShow(asked);
  const view = {
    app: name,
    logo: (await findLogo(app, client.clientId))?.dataUri,
    host: returnsTo(current),
    unverified: isUnverified(client),
    who: whoIs(account),
    lines: [
      ...(await detailLines(app, words, question.details)),
      ...shown.map((scope) => lineOf(words, question, scope)),
    ],
    anyOptional: shown.some(question.isOptional),
    heading: headingOf(words, name, question),
    already: already.map((scope) => titleOf(words, question, scope)),
    // What needs no line of its own in that face, and is said all the same: access that outlives the visit.
    lasting: asked.includes(compatMarker),
    ...appDocuments(client, words.locale),
    action: pathOf(current, 'consent'),
    startOver: pathOf(current, 'start-over'),
  };
  const title = words.t('consent.title', { app: name, brand: settings.BRAND_NAME });
  await showPage(ctx, { template, title, view });
}

/** What an API lets an app do is nothing that the app receives. */
function headingOf(words: Translator, app: string, { addition, asked, details }: Question): string {
  if (addition) return words.t('consent.new_now');
  const does = details.length > 0 || asked.some(isApiScope);
  return words.t(does ? 'consent.asks_for' : 'consent.will_get', { app });
}

/**
 * Optional scopes are ticked when first asked. Each stands with the very values it would share right above two buttons
 * of one size, so nothing goes unseen; unticked boxes would make people press "Allow" and then wonder why the app does not
 * know the address it asked them for. What somebody left out before stays unticked.
 */
export function lineOf(
  words: Translator,
  question: Pick<Question, 'account' | 'client' | 'before' | 'isOptional'> & { apis?: KnownApis },
  scope: string,
) {
  const { account, before, isOptional, apis = new Map() } = question;
  const { claims } = scopeRules(scope);
  return {
    scope,
    title: titleOf(words, question, scope),
    detail: isApiScope(scope) ? apiScopeDetail(words, apis, scope) : scopeDetail(words, scope),
    optional: isOptional(scope),
    ticked: !before?.declined.includes(scope),
    // The identifier means nothing to people, and an app may get one of its own (OpenID Connect Core section 8.1).
    values: sharedValues(
      words,
      isCompatScope(scope) ? compatProfileOf(account) : claimsOf(account),
      claims.filter((claim) => claim !== 'sub'),
    ),
    hasValues: claims.some((claim) => claim !== 'sub'),
  };
}

function titleOf(
  words: Translator,
  { client, apis = new Map() }: Pick<Question, 'client'> & { apis?: KnownApis },
  scope: string,
): string {
  return isApiScope(scope) ? apiScopeTitle(words, apis, scope) : scopeTitle(words, client, scope);
}

export function whoIs(account: Account): string {
  const contact = firstContact(account, 'email') ?? firstContact(account, 'phone');
  return contact?.written ?? account.profile.name ?? account.id;
}

/** Where the answer goes: the one thing about an app that its own words cannot change. */
function returnsTo({ interaction }: CurrentStep): string {
  const { protocol, host } = new URL(interaction.params['redirect_uri'] ?? 'about:blank');
  return host || protocol.slice(0, -1);
}

export function mountConsent(router: Router, app: App): void {
  router.post('/interaction/:uid/consent', async (ctx) => {
    const current = await currentStep(app, ctx);
    if (current.step.at !== 'consent') return backToStep(ctx, current);
    const form = await readForm(ctx, consentForm, { lists: ['scope'] });
    // The buttons are the only way to send it: nobody mistypes a decision.
    if (!form.ok) throw new Problem({ status: 400, code: 'malformed_request', reason: 'no decision' });
    const question = await openQuestion(app, current);
    const taken = await takeDecision(app, ctx);
    if (!taken.ok) return backToStep(ctx, current);
    const { decision } = taken;
    try {
      if (form.fields.decision === 'deny') await deny(app, ctx, current, { ...question, decision });
      else await allow(app, ctx, current, { ...question, decision, ticked: form.fields.scope });
    } catch (error) {
      // A store went away in between: the page is still there to press again. What is to be told is the first trouble.
      await leaveDecision(app, ctx, { decision }).catch(() => undefined);
      throw error;
    }
  });
}

async function allow(
  app: App,
  ctx: RouterContext,
  current: CurrentStep,
  {
    account,
    client,
    asked,
    ticked,
    decision,
    details,
    isOptional,
  }: Question & { ticked: string[]; decision: string },
): Promise<void> {
  const { locale } = ctx.state.words;
  const kinds = details.map(({ type }) => type);
  const given = { accountId: account.id, client, asked, ticked, details: kinds, locale, isOptional };
  await giveConsent(app, given, ctx.state.source);
  const finished = await finishConsent(app, ctx, { decision });
  if (!finished.ok) backToStep(ctx, current);
}

async function deny(
  app: App,
  ctx: RouterContext,
  current: CurrentStep,
  { account, client, asked, decision }: Question & { decision: string },
): Promise<void> {
  const denial = { error: 'access_denied', description: 'the person did not allow it', decision };
  const refused = await refuseInteraction(app, ctx, denial);
  if (!refused.ok) return backToStep(ctx, current);
  const decided = { accountId: account.id, clientId: client.clientId, scopes: asked };
  await refuseConsent(app, decided, ctx.state.source);
}
