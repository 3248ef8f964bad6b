import type { RouterContext } from '@koa/router';
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
): Promise<boolean> {
  const { prompt, progress, reasons, sessionUid } = interaction;
  const askedWhoItIs = reasons.length === 1 && reasons[0] === 'no_session';
  if (prompt !== 'login' || progress !== undefined || !askedWhoItIs || sessionUid !== undefined) return false;
  if (!(await currentSession(app, ctx))) return false;
  return (await goOnAsItIs(app, ctx)).ok;
}
