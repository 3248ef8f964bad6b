import type { RouterContext } from '@koa/router';
import { rememberAccount, rememberedLifeMs } from '../src/actions/remembered-accounts.ts';
import type { Finished } from '../src/actions/sign-in.ts';
import type { App } from '../src/services.ts';
import { readRemembered, writeRemembered } from '../src/web/remembered-cookies.ts';

/** The browser keeps who signed in; not after a step-up, which changes nothing about who it is. */
export function keepAccount(
  app: App,
  ctx: RouterContext,
  { accountId, remember, signedInAt }: Finished,
): void {
  if (signedInAt !== undefined) return;
  const before = readRemembered(app.settings, ctx.get('cookie'));
  const after = rememberAccount(app, before, { accountId, remember });
  writeRemembered(app.settings, ctx, { before, after, lifeMs: rememberedLifeMs });
}
