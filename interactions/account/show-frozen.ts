import type { RouterContext } from '@koa/router';
import type { Account } from '../../src/accounts/account.ts';
import { places } from './places.ts';
import { showAccountPage } from './show-account-page.ts';
import { withDate } from './with-time.ts';

/** In the place of a page that changes what protects the account, for a day after "It wasn't me". */
export async function showFrozen(
  ctx: RouterContext,
  { account, until }: { account: Account; until: number },
): Promise<void> {
  const { words } = ctx.state;
  await showAccountPage(ctx, {
    template: 'frozen',
    account,
    under: 'overview',
    title: words.t('confirm.frozen.title'),
    status: 403,
    errorCode: 'changes_on_hold',
    view: { text: withDate(words, 'confirm.frozen.text', until), back: places.overview },
  });
}
