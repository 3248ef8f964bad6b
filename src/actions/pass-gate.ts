import { recordEvent } from '../audit/record.ts';
import { isEndedSince } from '../oidc/endings.ts';
import type { Services } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';
import type { Finished, SignInProgress } from './sign-in.ts';
import { readStanding, type Standing } from './standing.ts';

type Gate = Pick<Services, 'db' | 'live' | 'clock' | 'seals' | 'log' | 'metrics' | 'settings'>;

/** What a verb answers where that which was proved before it holds no more. */
export const startOver = { ok: true, next: { at: 'start', notice: 'start_over' } } as const;

/**
 * All factors are proved; is the account still what it was when the first one was? Suspensions and locks are told here and
 * not before: to somebody who only guesses, a stopped account must look like any other (misuse case SI-23).
 */
export async function passGate(
  app: Gate,
  entry: {
    accountId: string;
    provedAt: number;
    amr: string[];
    remember: boolean;
    from: RequestSource;
    trustedDevice?: boolean;
    newBrowser?: boolean | undefined;
    signedInAt?: number | undefined;
    passwordKnown?: boolean | undefined;
    /** Read after the last proof was given. */
    standing?: Standing | undefined;
  },
): Promise<Finished | SignInProgress> {
  const { accountId, provedAt, amr, remember, from, trustedDevice, signedInAt, newBrowser } = entry;
  const standing = entry.standing ?? (await readStanding(app, { accountId, browser: from.browser }));
  if (!standing || isEndedSince(standing.generation, provedAt) || changedSince(standing, provedAt))
    return { at: 'start', notice: 'start_over' };
  const { generation } = standing;
  const stopped = stoppedHow(standing);
  if (stopped) {
    app.metrics.signIns.inc({ outcome: stopped });
    const detail = { reason: stopped };
    await recordEvent(app, { type: 'account.sign_in_failed', accountId, detail }, from);
    return { at: stopped, accountId };
  }
  if (entry.passwordKnown) return { at: 'known_password', accountId, provedAt, amr, remember, newBrowser };
  app.metrics.signIns.inc({ outcome: 'signed_in' });
  const how = { ...(trustedDevice && { trusted_device: true }), ...(signedInAt && { step_up: true }) };
  const known = newBrowser === undefined ? {} : { new_browser: newBrowser };
  const detail = { amr, remember, ...how, ...known };
  await recordEvent(app, { type: 'account.signed_in', accountId, detail }, from);
  const kept = { ...(generation && { generation }), ...(signedInAt && { signedInAt }) };
  return { at: 'finished', accountId, amr, remember, ...kept };
}

/** For a page that comes after the gate: whether what was proved before it still lets the person in. */
export async function stillStands(
  app: Pick<Services, 'db' | 'live' | 'clock' | 'settings'>,
  { accountId, provedAt }: { accountId: string; provedAt: number },
): Promise<boolean> {
  const standing = await readStanding(app, { accountId, browser: undefined });
  return standing !== undefined && !stoppedHow(standing) && !changedSince(standing, provedAt);
}

function stoppedHow({ suspendedAt, lockedAt }: Standing): 'suspended' | 'locked' | undefined {
  if (suspendedAt !== null) return 'suspended';
  return lockedAt === null ? undefined : 'locked';
}

/** A new password or "sign out everywhere" between the two factors ends what was begun before it. */
function changedSince({ signedOutBefore, passwordChangedAt }: Standing, provedAt: number): boolean {
  return (signedOutBefore ?? 0) > provedAt || (passwordChangedAt ?? 0) > provedAt;
}
