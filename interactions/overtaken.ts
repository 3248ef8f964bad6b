import type { RouterContext } from '@koa/router';
import { findAccount } from '../src/accounts/account.ts';
import { parseIdentifier } from '../src/accounts/identifier.ts';
import { goOnAsItIs } from '../src/oidc/interaction.ts';
import { currentSession } from '../src/oidc/sessions.ts';
import type { App } from '../src/services.ts';
import type { CurrentStep } from './current-step.ts';

/**
 * A tab that was left on the sign-in while somebody signed in in another one has nothing left to ask: it goes on, and the
 * engine looks at everything anew. Not where more was asked for than that somebody be signed in, nor once this tab had
 * begun with somebody.
 */
export async function wasOvertaken(
  app: App,
  ctx: RouterContext,
  { interaction }: CurrentStep,
  typed?: { identifier: string },
): Promise<boolean> {
  const { prompt, progress, reasons, sessionUid } = interaction;
  const askedWhoItIs = reasons.length === 1 && reasons[0] === 'no_session';
  if (prompt !== 'login' || progress !== undefined || !askedWhoItIs || sessionUid !== undefined) return false;
  const session = await currentSession(app, ctx);
  if (!session || (typed && !(await isTheirs(app, session.accountId, typed.identifier)))) return false;
  return (await goOnAsItIs(app, ctx)).ok;
}

/** Who types somebody else's address wants to be somebody else. */
async function isTheirs(app: App, accountId: string, identifier: string): Promise<boolean> {
  const parsed = parseIdentifier(identifier, { region: app.settings.DEFAULT_PHONE_REGION });
  const account = parsed.ok ? await findAccount(app, accountId) : undefined;
  return (
    parsed.ok &&
    account?.contacts.some((one) => one.channel === parsed.channel && one.address === parsed.address) === true
  );
}
