import { type Account, findAccount } from '../accounts/account.ts';
import { firstContact } from '../accounts/claims.ts';
import { enrolTotp as addTotp, listTotp, newTotpSecret, totpId, totpUri } from '../credentials/totp.ts';
import { minutes } from '../kit/durations.ts';
import { type Outcome, refused } from '../kit/outcome.ts';
import type { Services } from '../services.ts';
import type { LiveKey } from '../store/live.ts';
import type { RequestSource } from '../web/request-source.ts';
import type { Locale } from '../web/words.ts';
import { afterEnrolment } from './after-enrolment.ts';
import { turnOnTwoStep } from './turn-on-two-step.ts';

/**
 * Setting up an authenticator app, in two requests. Between them the secret waits, sealed, in the live state under this
 * account AND this session: nobody can make somebody else confirm a secret of theirs, a reload shows the same picture,
 * and no page carries it further than the one that has to show it. Used up it stays for a moment, so that a repetition is known.
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
  const secret = ctx.seals.open('totp-waiting', waiting.value);
  const apps = await listTotp(ctx, accountId);
  const known = apps.find(({ id }) => id === totpId(ctx, { accountId, secret }));
  // Who posts it again, having been told that a store is away, finds it done.
  if (waiting.consumedBy !== undefined) return known ? { ok: true, id: known.id } : refused('expired');
  if (!known && apps.length >= mostApps) return refused('too_many');
  const added = await addTotp(ctx, { accountId, secret, code, name });
  if (!added.ok) return added;

  await turnOnTwoStep(ctx, { accountId, sessionUid });
  const who = { accountId, sessionUid };
  const event = { type: 'totp.enrolled', ...who, detail: { credential: added.id } } as const;
  const used = { key, value: waiting.value };
  const enrolled = { ...who, used, amr: ['otp'], event, template: 'second_step_added', locale } as const;
  await afterEnrolment(ctx, enrolled, from);
  return added;
}

async function waitingSecret(ctx: Pick<Services, 'live' | 'seals'>, who: Who): Promise<string> {
  const { live, seals } = ctx;
  const key = waitingKey(who);
  const [waiting] = await live.read([key]);
  if (waiting && waiting.consumedBy === undefined) return seals.open('totp-waiting', waiting.value);
  const secret = newTotpSecret();
  const value = seals.seal('totp-waiting', secret);
  const added = await live.commit([
    { do: 'expect', key, value: waiting?.value },
    { do: 'put', key, value, ttlMs: waitingFor },
  ]);
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
