import path from 'node:path';
import type { RouterContext } from '@koa/router';
import { z } from 'zod';
import { findLogo } from '../clients/registry/logos.ts';
import { isUnverified } from '../clients/registry/registration.ts';
import { type Client, findClient } from '../clients/registry/registry.ts';
import { isOfEarlierLife } from '../clients/registry/stopped.ts';
import type { Account } from '../src/accounts/account.ts';
import { allowOnAnotherDevice } from '../src/actions/allow-on-another-device.ts';
import { denyOnAnotherDevice } from '../src/actions/deny-on-another-device.ts';
import { findConsent } from '../src/consents/consent.ts';
import type { ProvedBy } from '../src/oidc/cross-device/answer-asked.ts';
import type { Asked } from '../src/oidc/cross-device/asked.ts';
import type { App } from '../src/services.ts';
import { readForm } from '../src/web/form.ts';
import { showPage } from '../src/web/page.ts';
import { Problem } from '../src/web/problem.ts';
import { appHost, appName } from './account/app-access.ts';
import { apisNamedIn } from './api-scopes.ts';
import { lineOf, optionalIn, scopesAsked, scopesToShow, whoIs } from './consent.ts';

/**
 * The page on which a person answers what an app asked on another device: who asks, what for, and the two buttons. Used for codes
 * that a device shows (device.ts) and for requests by name (account/requests.ts); what differs is handed in.
 */
const template = path.join(import.meta.dirname, 'approve.ejs');

export const decisionForm = z.object({
  decision: z.enum(['allow', 'deny']),
  scope: z.array(z.string().max(720)).max(50),
  /** Of a device; a request by name has its name in the address. */
  user_code: z.string().max(100).default(''),
});

export type Answering = { account: Account; client: Client; asked: Asked };

type Particulars = {
  title: string;
  /** What the person compares, and the sentence above it. */
  compare: { sentence: string; text: string } | undefined;
  facts: { name: string; text: string }[];
  /** Whether the device is on the person's network; undefined where nothing can be said. */
  network: { same: boolean; text: string } | undefined;
  onlyIf: string;
  action: string;
  hidden: Record<string, string>;
  startOver: string;
};

/** An app that is gone or disabled asks for nothing any more, and what it asked before it was stopped is void. */
export async function welcomeClient(app: App, asked: Asked): Promise<Client | undefined> {
  const client = await findClient(app, asked.clientId);
  const isVoid = client?.disabledAt !== undefined || (client && isOfEarlierLife(client, asked.askedAt));
  return isVoid ? undefined : client;
}

export async function showApproval(
  app: App,
  ctx: RouterContext,
  { account, client, asked }: Answering,
  particulars: Particulars,
): Promise<void> {
  const { words } = ctx.state;
  const before = await findConsent(app, { accountId: account.id, clientId: client.clientId });
  const all = await scopesAsked(app, client, asked);
  const apis = await apisNamedIn(app, all);
  const isOptional = optionalIn(asked.params, apis);
  const shown = scopesToShow(all);
  const { metadata } = client;
  const view = {
    ...particulars,
    app: appName(client, words.locale),
    logo: (await findLogo(app, client.clientId))?.dataUri,
    host: knownHost(client),
    unverified: isUnverified(client),
    who: whoIs(account),
    askedAt: asked.askedAt,
    heading: words.t('consent.will_get', { app: appName(client, words.locale) }),
    // Our own apps ask nobody what they may see, and still nobody is let in unasked.
    lines: shown.map((scope) => lineOf(words, { account, client, before, apis, isOptional }, scope)),
    anyOptional: !metadata.first_party && shown.some(isOptional),
    ours: metadata.first_party,
  };
  await showPage(ctx, { template, title: particulars.title, view, staysHere: true });
}

/** Nothing is redirected here, so of a stranger's app no host is known but that of its document: it may have named any. */
function knownHost(client: Client): string | undefined {
  if (!isUnverified(client)) return appHost(client);
  return client.origin === 'document' ? new URL(client.clientId).host : undefined;
}

export async function readDecision(ctx: RouterContext): Promise<z.output<typeof decisionForm>> {
  const form = await readForm(ctx, decisionForm, { lists: ['scope'] });
  // The buttons are the only way to send it: nobody mistypes a decision.
  if (!form.ok) throw new Problem({ status: 400, code: 'malformed_request', reason: 'no decision' });
  return form.fields;
}

export async function decide(
  app: App,
  ctx: RouterContext,
  { account, client, asked }: Answering,
  { decision, ticked, proved }: { decision: 'allow' | 'deny'; ticked: string[]; proved: ProvedBy },
) {
  const { source, words } = ctx.state;
  if (decision === 'deny') return denyOnAnotherDevice(app, { asked, accountId: account.id }, source);
  const scopes = await scopesAsked(app, client, asked);
  const isOptional = optionalIn(asked.params, await apisNamedIn(app, scopes));
  const answer = { asked, accountId: account.id, client, scopes, ticked, proved, locale: words.locale };
  return allowOnAnotherDevice(app, { ...answer, isOptional }, source);
}
