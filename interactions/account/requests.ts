import type { RouterContext } from '@koa/router';
import Router from '@koa/router';
import { proofForAnotherDevice } from '../../src/actions/proof-for-another-device.ts';
import { signInAddress } from '../../src/oidc/account-client.ts';
import { type Asked, findAsked, listAsked } from '../../src/oidc/cross-device/asked.ts';
import type { App } from '../../src/services.ts';
import { notFound } from '../../src/web/problem.ts';
import { seeOther } from '../../src/web/see-other.ts';
import { decide, readDecision, showApproval, welcomeClient } from '../approve.ts';
import { appName } from './app-access.ts';
import { confirmAddress } from './confirm-address.ts';
import { places } from './places.ts';
import { showAccountPage } from './show-account-page.ts';
import { showFrozen } from './show-frozen.ts';
import { type SignedIn, signedIn } from './signed-in.ts';
import { withAgo } from './with-time.ts';

/**
 * What apps ask of a person by their name (CIBA): a list, and a page for each. Messages lead to the list only. A request is
 * looked up among those for this account; of anybody else's nothing is said, not even that it is there.
 */
export function requestsPages(app: App): Router {
  const router = new Router();
  const one = `${places.requests}/:id`;

  router.get(
    places.requests,
    signedIn(app, 'requests', async (ctx, who) => showList(app, ctx, who)),
  );

  router.get(
    one,
    signedIn(app, 'requests', async (ctx, who) => {
      const asked = await theirs(app, ctx, who);
      if (asked.state !== 'open') return showList(app, ctx, who, 'request.over');
      if (await proofOrWay(app, ctx, who, asked)) await showRequest(app, ctx, who, asked);
    }),
  );

  router.post(
    one,
    signedIn(app, 'requests', async (ctx, who) => {
      const { decision, scope } = await readDecision(ctx);
      const asked = await theirs(app, ctx, who);
      const client = await welcomeClient(app, asked);
      if (asked.state !== 'open' || !client) return showList(app, ctx, who, 'request.over');
      const proved = await proofOrWay(app, ctx, who, asked);
      if (!proved) return;
      const answering = { account: who.account, client, asked };
      const decided = await decide(app, ctx, answering, { decision, ticked: scope, proved });
      if (!decided.ok) return showList(app, ctx, who, 'request.over');
      seeOther(ctx, `${places.requests}?was=${decision === 'allow' ? 'allowed' : 'denied'}`);
    }),
  );
  return router;
}

async function theirs(app: App, ctx: RouterContext, { account }: SignedIn): Promise<Asked> {
  const asked = await findAsked(app, ctx.params['id'] ?? '');
  if (asked?.kind !== 'BackchannelAuthenticationRequest' || asked.accountId !== account.id) throw notFound();
  return asked;
}

async function proofOrWay(app: App, ctx: RouterContext, { account, session }: SignedIn, asked: Asked) {
  const proof = await proofForAnotherDevice(app, { accountId: account.id, session, asked });
  if (proof.ok) return proof.proved;
  if (proof.reason === 'frozen') await showFrozen(ctx, { account, until: proof.until });
  else if (proof.reason === 'weak') seeOther(ctx, confirmAddress('requests', undefined));
  else seeOther(ctx, signInAddress(app, { page: 'requests', fresh: true }));
  return undefined;
}

async function showRequest(app: App, ctx: RouterContext, { account }: SignedIn, asked: Asked): Promise<void> {
  const { words } = ctx.state;
  const client = await welcomeClient(app, asked);
  if (!client) throw notFound();
  const name = appName(client, words.locale);
  const message = asked.params['binding_message'];
  await showApproval(
    app,
    ctx,
    { account, client, asked },
    {
      title: words.t('request.one.title', { app: name }),
      compare:
        message === undefined
          ? undefined
          : { sentence: words.t('request.message', { app: name }), text: message },
      facts: [{ name: words.t('request.address'), text: asked.device.ip }],
      network: undefined,
      onlyIf: words.t('request.only_if', { app: name }),
      action: `${places.requests}/${asked.id}`,
      hidden: {},
      startOver: signInAddress(app, { page: 'requests', fresh: true }),
    },
  );
}

/** `over`: in the place of a page that somebody had open too long, or answered twice. */
async function showList(app: App, ctx: RouterContext, { account }: SignedIn, over?: string): Promise<void> {
  const { words } = ctx.state;
  const waiting = await listAsked(app, account.id);
  const rows = await Promise.all(
    waiting.map(async (asked) => {
      const client = await welcomeClient(app, asked);
      const name = client && appName(client, words.locale);
      return name === undefined
        ? undefined
        : {
            app: name,
            message: asked.params['binding_message'],
            asked: withAgo(words, 'request.asked', asked.askedAt),
            look: `${places.requests}/${asked.id}`,
            lookLabel: words.t('request.look_named', { app: name }),
          };
    }),
  );
  const was = (['allowed', 'denied'] as const).find((one) => ctx.query['was'] === one);
  await showAccountPage(ctx, {
    template: 'requests',
    account,
    under: 'apps',
    title: words.t('request.title'),
    ...(over ? { status: 409, errorCode: 'request_over' } : {}),
    view: {
      rows: rows.filter((row) => row !== undefined),
      problems: over ? { form: over } : {},
      was: was && words.t(`request.did.${was}`),
    },
  });
}
