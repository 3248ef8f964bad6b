import { type Account, findAccount } from '../accounts/account.ts';
import { firstContact } from '../accounts/claims.ts';
import { recordEvent } from '../audit/record.ts';
import { enrolTotp as addTotp, listTotp, newTotpSecret, totpUri } from '../credentials/totp.ts';
import { minutes } from '../kit/durations.ts';
import { type Outcome, refused } from '../kit/outcome.ts';
import type { Services } from '../services.ts';
import type { LiveKey } from '../store/live.ts';
import type { RequestSource } from '../web/request-source.ts';
import type { Locale } from '../web/words.ts';
import { cutOffOthers } from './end-other-sessions.ts';
import { keepProof } from './fresh-proof.ts';
import { notifyAccount } from './notify-account.ts';
import { turnOnTwoStep } from './turn-on-two-step.ts';

/**
 * Setting up an authenticator app, in two requests. Between them the secret waits, sealed, in the live state under this
 * account AND this session: nobody can make somebody else confirm a secret of theirs, a reload shows the same picture,
 * and no page carries it further than the one that has to show it.
 */
const waitingFor = 20 * minutes;
const mostApps = 10;

type Context = Pick<Services, 'db' | 'clock' | 'live' | 'seals' | 'log' | 'metrics' | 'settings'>;
type Who = { accountId: string; sessionUid: string };

/** The secret that this session is setting up, and the address that an app scans or opens. */
export async function beginTotp(
  ctx: Context,
  { accountId, sessionUid }: Who,
): Promise<Outcome<{ secret: string; uri: string }, 'too_many' | 'unknown_account'>> {
  const account = await findAccount(ctx, accountId);
  if (!account) return refused('unknown_account');
  if ((await listTotp(ctx, accountId)).length >= mostApps) return refused('too_many');
  const secret = await waitingSecret(ctx, { accountId, sessionUid });
  return {
    ok: true,
    secret,
    uri: totpUri({ issuer: ctx.settings.BRAND_NAME, account: label(account), secret }),
  };
}

/**
 * Turns it on once a code shows that the app holds the secret, and ends every other session: they came in without this
 * second step. `expired` when this session has no secret waiting.
 */
export async function enrolTotp(
  ctx: Context,
  { accountId, sessionUid, code, name, locale }: Who & { code: string; name: string; locale?: Locale },
  from?: RequestSource,
): Promise<Outcome<{ id: string }, 'wrong_code' | 'expired' | 'too_many'>> {
  const key = waitingKey({ accountId, sessionUid });
  const [waiting] = await ctx.live.read([key]);
  if (!waiting) return refused('expired');
  if ((await listTotp(ctx, accountId)).length >= mostApps) return refused('too_many');
  const secret = ctx.seals.open('totp-waiting', waiting.value);
  const added = await addTotp(ctx, { accountId, secret, code, name });
  if (!added.ok) return added;

  await turnOnTwoStep(ctx, { accountId });
  // Of a form that was posted twice, one request takes it and goes on to tell everybody.
  if (!(await ctx.live.commit([{ do: 'take', key }])).ok) return added;
  // The code is used up, and showed just now all that the account asks for from here on.
  await keepProof(ctx, { accountId, sessionUid, proof: { at: ctx.clock.now(), amr: ['otp'] } });
  const { ended } = await cutOffOthers(ctx, { accountId, except: sessionUid });
  const detail = { credential: added.id };
  await recordEvent(ctx, { type: 'totp.enrolled', accountId, sessionUid, detail }, from);
  if (ended > 0)
    await recordEvent(ctx, { type: 'sessions.ended', accountId, detail: { count: ended } }, from);
  await notifyAccount(ctx, { accountId, pageLocale: locale, template: 'second_step_added' });
  return added;
}

async function waitingSecret(ctx: Pick<Services, 'live' | 'seals'>, who: Who): Promise<string> {
  const { live, seals } = ctx;
  const key = waitingKey(who);
  const [waiting] = await live.read([key]);
  if (waiting) return seals.open('totp-waiting', waiting.value);
  const secret = newTotpSecret();
  const value = seals.seal('totp-waiting', secret);
  const added = await live.commit([{ do: 'add', key, value, ttlMs: waitingFor }]);
  // Two tabs opened at once: both show the one that was first.
  return added.ok ? secret : await waitingSecret(ctx, who);
}

function waitingKey({ accountId, sessionUid }: Who): LiveKey {
  return `{account ${accountId}}:totp:${sessionUid}`;
}

/** What the app lists it under, beside the brand. */
function label(account: Account): string {
  const contact = firstContact(account, 'email') ?? firstContact(account, 'phone');
  return contact?.written ?? account.profile.name ?? account.id;
}
