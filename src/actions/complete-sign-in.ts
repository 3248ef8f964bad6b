import { knowBrowser } from '../credentials/known-browsers.ts';
import { days, hours } from '../kit/durations.ts';
import { forgetFailures, forgetQuietFailures } from '../limits/failures.ts';
import type { Proof } from '../limits/waits.ts';
import type { Services } from '../services.ts';
import { browserWords } from '../web/browser-family.ts';
import type { RequestSource } from '../web/request-source.ts';
import type { Locale } from '../web/words.ts';
import { notifyAccount } from './notify-account.ts';
import { readStanding, type Standing } from './standing.ts';

const mostTold = 5;

/** After so long without a try the owner's success is taken as the end of whatever it was. */
const quiet = 1 * days;

/**
 * A sign-in went through to the end: the browser is known from now on, and the wrong tries that stood against the account
 * start anew, those for which a right one was given. Not before: half a sign-in shows only that half is known.
 *
 * From a browser that was known already, the count of everybody else stays as it is while somebody is trying, or each
 * sign-in of the owner would hand an attacker fresh guesses. Answers what the browser's cookie is to hold; undefined when
 * the account was removed meanwhile, which the engine will say.
 */
export async function completeSignIn(
  ctx: Pick<Services, 'db' | 'clock' | 'live' | 'seals' | 'log' | 'metrics' | 'settings'>,
  {
    accountId,
    amr,
    locale,
    standing,
  }: {
    accountId: string;
    amr: readonly string[];
    locale?: Locale | undefined;
    /** From after the last proof, where it was read in this request. */
    standing?: Standing | undefined;
  },
  { browser, userAgent }: Pick<RequestSource, 'browser' | 'userAgent'>,
): Promise<{ token: string } | undefined> {
  const before = standing ?? (await readStanding(ctx, { accountId, browser }));
  if (!before) return undefined;
  const others = before.browsers;
  // The first browser of all is where the account was made; of each that comes after it the owner hears.
  const newToOwner = !before.knownBrowser && others > 0;
  const [known, maybeTold] = await Promise.all([
    knowBrowser(ctx, { token: browser, accountId, others }),
    newToOwner && mayTell(ctx, accountId),
  ]);
  if (!known) return undefined;
  const { token, wasKnown } = known;
  const proofs = provedBy(amr).filter((proof) => before.tried.includes(proof));
  if (wasKnown) await forgetQuietFailures(ctx, { accountId, proofs, since: ctx.clock.now() - quiet });
  else await forgetFailures(ctx, { accountId, proofs });
  if (!wasKnown && maybeTold) {
    const values = { browser: browserWords(userAgent) };
    await notifyAccount(ctx, { accountId, pageLocale: locale, template: 'signed_in_new_browser', values });
  }
  return { token };
}

/** A machine that signs in all day fills no mailbox; the activity page has each of them. */
async function mayTell({ live }: Pick<Services, 'live'>, accountId: string): Promise<boolean> {
  const { count } = await live.count(`{account ${accountId}}:told of browsers`, 1 * hours, 1);
  return count <= mostTold;
}

/** RFC 8176: `pwd` is the password; `mfa` that there was a second step too. */
function provedBy(amr: readonly string[]): Proof[] {
  return [
    ...(amr.includes('pwd') ? (['password'] as const) : []),
    ...(amr.includes('mfa') ? (['second_step'] as const) : []),
  ];
}
