import path from 'node:path';
import type { RouterContext } from '@koa/router';
import Router from '@koa/router';
import { z } from 'zod';
import { findAccount } from '../src/accounts/account.ts';
import { findDeviceCode } from '../src/actions/find-device-code.ts';
import { proofForAnotherDevice } from '../src/actions/proof-for-another-device.ts';
import { addressBucket } from '../src/limits/limits.ts';
import { signInAddress } from '../src/oidc/account-client.ts';
import type { Asked } from '../src/oidc/cross-device/asked.ts';
import { readUserCode, showUserCode } from '../src/oidc/device/user-code.ts';
import { currentSession } from '../src/oidc/sessions.ts';
import type { App } from '../src/services.ts';
import { browserParts } from '../src/web/browser-family.ts';
import { optionalTextField, type Problems, readForm } from '../src/web/form.ts';
import { showPage } from '../src/web/page.ts';
import { notFound } from '../src/web/problem.ts';
import { seeOther } from '../src/web/see-other.ts';
import type { Translator } from '../src/web/words.ts';
import { appName } from './account/app-access.ts';
import { browserName } from './account/browser-name.ts';
import { confirmAddress } from './account/confirm-address.ts';
import { codeState, placeOfCode } from './account/places.ts';
import { showFrozen } from './account/show-frozen.ts';
import type { SignedIn } from './account/signed-in.ts';
import { decide, readDecision, showApproval, welcomeClient } from './approve.ts';
import { placeName } from './place-name.ts';

const template = path.join(import.meta.dirname, 'device.ejs');
const doneTemplate = path.join(import.meta.dirname, 'device-done.ejs');
const codeForm = z.object({ user_code: optionalTextField({ most: 100 }) });

/**
 * Where a person types the code that a device shows (RFC 8628 section 3.3). The way leads from the code, over a sign-in
 * with its second step, to the page that shows who asks and from where. That page is only ever the answer to a form of ours and
 * has no address of its own: a link, with the code in it or not, leads here, where the code has to be compared and sent on.
 */
export function devicePages(app: App): Router {
  const router = new Router();

  router.get('/device', async (ctx) => {
    // Devices of the Login-with-Amazon kind write the code's name in another way (src/oidc/compat).
    const { method, 'cbl-code': theirs, user_code = theirs } = ctx.query;
    const given = placeOfCode(method) ?? (typeof user_code === 'string' ? user_code : '');
    const code = readUserCode(given);
    await showCode(ctx, {
      typed: code ? showUserCode(code) : given.slice(0, 40),
      prefilled: given !== '',
    });
  });

  router.post('/device', async (ctx) => {
    const form = await readForm(ctx, codeForm);
    const typed = form.ok ? form.fields.user_code : (form.typed['user_code'] ?? '');
    const who = await whoIsIt(app, ctx);
    const found = await lookedUp(app, ctx, who, typed);
    if (!found) return;
    if (!who) return seeOther(ctx, signInAddress(app, { page: codeState(found.userCode) }));
    const proof = await proofOrWay(app, ctx, who, found);
    if (proof) await showDevice(app, ctx, who, found);
  });

  router.post('/device/decision', async (ctx) => {
    const { user_code: typed, decision, scope } = await readDecision(ctx);
    const who = await whoIsIt(app, ctx);
    if (!who) return seeOther(ctx, signInAddress(app, { page: codeState(readUserCode(typed) ?? '') }));
    const found = await lookedUp(app, ctx, who, typed);
    const proof = found && (await proofOrWay(app, ctx, who, found));
    const client = found && (await welcomeClient(app, found.asked));
    if (!found || !proof || !client) return;
    const answering = { account: who.account, client, asked: found.asked };
    const decided = await decide(app, ctx, answering, { decision, ticked: scope, proved: proof });
    if (decided.ok) return seeOther(ctx, decision === 'allow' ? '/device/allowed' : '/device/denied');
    await showCode(ctx, { typed: '', problems: { form: `device.${decided.reason}` }, status: 409 });
  });

  for (const outcome of ['allowed', 'denied'] as const)
    router.get(`/device/${outcome}`, async (ctx) => {
      const { words } = ctx.state;
      const view = {
        text: words.t(`device.done.${outcome}.text`),
        good: outcome === 'allowed',
        apps: '/account/apps',
      };
      const title = words.t(`device.done.${outcome}`);
      await showPage(ctx, { template: doneTemplate, title, view, staysHere: true });
    });
  return router;
}

type Found = { asked: Asked; userCode: string };

async function whoIsIt(app: App, ctx: RouterContext): Promise<SignedIn | undefined> {
  const session = await currentSession(app, ctx);
  const account = session && (await findAccount(app, session.accountId));
  return session && account && { session, account };
}

/** Undefined when the page has said why not. */
async function lookedUp(
  app: App,
  ctx: RouterContext,
  who: SignedIn | undefined,
  typed: string,
): Promise<Found | undefined> {
  const found = await findDeviceCode(app, { typed, accountId: who?.account.id }, ctx.state.source);
  if (found.ok && (await welcomeClient(app, found.asked))) return found;
  if (found.ok || found.reason !== 'limited') {
    const problem = found.ok ? 'gone' : found.reason;
    const problems: Problems = { user_code: `device.${problem}` };
    await showCode(ctx, { typed, problems, status: problem === 'answered' ? 409 : 400 });
    return undefined;
  }
  ctx.set('Retry-After', String(found.retryAfterSeconds));
  const minutes = Math.ceil(found.retryAfterSeconds / 60);
  const form = who ? { key: 'device.limited', values: { minutes } } : 'device.limited_here';
  const signIn = who ? undefined : signInAddress(app, { page: 'device' });
  await showCode(ctx, { typed, problems: { form }, status: 429, signIn });
  return undefined;
}

/** Who has not proved enough is sent to do so, and comes back to the code. */
async function proofOrWay(app: App, ctx: RouterContext, { account, session }: SignedIn, found: Found) {
  const { asked, userCode } = found;
  const proof = await proofForAnotherDevice(app, { accountId: account.id, session, asked });
  if (proof.ok) return proof.proved;
  if (proof.reason === 'frozen') await showFrozen(ctx, { account, until: proof.until });
  else if (proof.reason === 'weak') seeOther(ctx, confirmAddress('device', codeState(userCode)));
  else seeOther(ctx, signInAddress(app, { page: codeState(userCode), fresh: true }));
  return undefined;
}

async function showDevice(app: App, ctx: RouterContext, who: SignedIn, { asked, userCode }: Found) {
  const { words, source } = ctx.state;
  const client = await welcomeClient(app, asked);
  if (!client) throw notFound();
  const { ip } = asked.device;
  const place = placeName(words, app.places.placeOf(ip));
  const network = sameNetwork(ip, source.ip);
  await showApproval(
    app,
    ctx,
    { account: who.account, client, asked },
    {
      title: words.t('device.allow.title', { app: appName(client, words.locale) }),
      compare: { sentence: words.t('device.compare'), text: showUserCode(userCode) },
      facts: [
        { name: words.t('device.kind'), text: kindOf(words, asked.device.userAgent) },
        { name: words.t('device.address'), text: place ? `${ip} (${place})` : ip },
      ],
      network: network && { same: network === 'same', text: words.t(`device.${network}_network`) },
      onlyIf: words.t('device.only_if'),
      action: '/device/decision',
      hidden: { user_code: showUserCode(userCode) },
      startOver: signInAddress(app, { page: codeState(userCode), fresh: true }),
    },
  );
}

/** Only names that we know: the device, or whoever pretends to be one, chose the rest of the text. */
function kindOf(words: Translator, userAgent: string): string {
  const { browser, system } = browserParts(userAgent);
  return browser || system ? browserName(words, userAgent) : words.t('device.kind_unknown');
}

/** One in IPv4 and the other in IPv6 may well stand in one room. */
function sameNetwork(one: string, other: string): 'same' | 'other' | undefined {
  if (addressBucket(one) === addressBucket(other)) return 'same';
  return one.includes(':') === other.includes(':') ? 'other' : undefined;
}

async function showCode(
  ctx: RouterContext,
  {
    typed,
    prefilled = false,
    problems = {},
    status = 200,
    signIn,
  }: {
    typed: string;
    prefilled?: boolean;
    problems?: Problems;
    status?: number;
    signIn?: string | undefined;
  },
): Promise<void> {
  const title = ctx.state.words.t('device.title');
  const view = { typed: typed.slice(0, 40), prefilled, problems, signIn };
  await showPage(ctx, { template, title, view, status, staysHere: true });
}
