import { listPasskeys } from '../credentials/passkeys.ts';
import { countForTwo } from '../credentials/passkeys-use.ts';
import { mayOfferPasskey, noteOfferAnswered } from '../credentials/passkeys-user.ts';
import { type Outcome, refused } from '../kit/outcome.ts';
import { type PasskeyContext, passkeysWork } from './ask-passkey.ts';
import { type EnrolPasskeyRefusal, enrolPasskey, type PasskeyInMaking } from './enrol-passkey.ts';
import { freshProof } from './fresh-proof.ts';
import { stillStands } from './pass-gate.ts';
import { findPasskeyVisit } from './passkey-visit.ts';
import type { KindContext } from './second-step-kinds.ts';
import type { Entry, Finished, NextStep, SignInProgress } from './sign-in.ts';

/**
 * A passkey for next time, at the end of a sign-in by password. Everything is proved, so the page that offers it is one more
 * state before the engine is told. A browser without scripts has not said that it can, and never sees it.
 *
 *   finished ──┬── no passkey yet, the browser can, may be offered ──► passkey_offer ──┬── made ────────┐
 *              │                                                                       ├── not now ─────┤
 *              │                                                                       └── never again ─┤
 *              └───────────────────────────────────────────────────────────────────────────────────────┴──► finished
 */
export type PasskeyOffer = Extract<SignInProgress, { at: 'passkey_offer' }>;

/** Between the last proof and the engine: answers the offer, or the end as it was. */
export async function beforeFinishing(
  app: KindContext,
  finished: Finished,
  {
    interactionUid,
    stepUp,
    visit = findPasskeyVisit(app, interactionUid),
  }: Pick<Entry, 'interactionUid' | 'stepUp'> & { visit?: ReturnType<typeof findPasskeyVisit> },
): Promise<NextStep> {
  if (!passkeysWork(app)) return finished;
  const { accountId, amr } = finished;
  const { can, shown } = await visit;
  // The passkey came first and verified its user, and another factor stood beside it now (passkeys-use.ts, `beside`).
  if (shown !== undefined && amr.includes('mfa')) await countForTwo(app, { accountId, id: shown });
  // Who only proves themselves once more came for something else, and who has a passkey knows where to add another.
  if (stepUp || !amr.includes('pwd') || !can.includes('offer')) return finished;
  if ((await listPasskeys(app, accountId)).length > 0) return finished;
  if (!(await mayOfferPasskey(app, accountId))) return finished;
  const provedAt = app.clock.now();
  if (!(await mayMakeOne(app, { finished, provedAt, interactionUid }))) return finished;
  return { at: 'passkey_offer', finished, provedAt, quiet: can.includes('quiet') };
}

/** What is made on the offer page. Quietly only where the browser said it can; the challenge knows which it was. */
export function offeredPasskey(
  { finished }: PasskeyOffer,
  { interactionUid }: Pick<Entry, 'interactionUid'>,
  { quiet }: { quiet: boolean },
): PasskeyInMaking {
  const making = quiet ? ('quiet_passkey' as const) : ('passkey' as const);
  return { accountId: finished.accountId, at: 'offer', boundTo: interactionUid, making };
}

/** The passkey that the browser made, and on to the app. */
export async function acceptPasskey(
  app: KindContext,
  {
    progress,
    quiet,
    ...made
  }: { progress: PasskeyOffer; quiet: boolean; response: string; fallbackName: string },
  entry: Entry,
): Promise<Outcome<{ next: NextStep }, EnrolPasskeyRefusal>> {
  // Looked at before too: nobody whose sign-in was ended meanwhile leaves a key behind.
  const stands = await leaveOffer(app, { progress });
  if (stands.next.at !== 'finished') return stands;
  if (!(await mayMakeOne(app, { ...progress, ...entry }))) return refused('expired');
  const what = { ...offeredPasskey(progress, entry, { quiet }), ...made, locale: entry.locale };
  const enrolled = await enrolPasskey(app, what, entry.from);
  return enrolled.ok ? await leaveOffer(app, { progress }) : enrolled;
}

/**
 * A new key is as sensitive here as on the account pages: not after a second step that a trusted device skipped, and not while
 * changes are frozen (fresh-proof.ts).
 */
async function mayMakeOne(
  app: KindContext,
  {
    finished: { accountId, amr },
    provedAt,
    interactionUid,
  }: Pick<PasskeyOffer, 'finished' | 'provedAt'> & Pick<Entry, 'interactionUid'>,
): Promise<boolean> {
  const session = { uid: interactionUid, signedInAt: provedAt, amr };
  return (await freshProof(app, { accountId, session })).ok;
}

/** Without one, for now or for good, and on to the app. */
export async function declinePasskey(
  app: PasskeyContext,
  { progress, never }: { progress: PasskeyOffer; never: boolean },
): Promise<{ ok: true; next: NextStep }> {
  await noteOfferAnswered(app, { accountId: progress.finished.accountId, never });
  return await leaveOffer(app, { progress });
}

/** The account may have been locked, suspended or signed out everywhere while the page was open. */
async function leaveOffer(
  app: PasskeyContext,
  { progress: { finished, provedAt } }: { progress: PasskeyOffer },
): Promise<{ ok: true; next: NextStep }> {
  const stands = await stillStands(app, { accountId: finished.accountId, provedAt });
  return { ok: true, next: stands ? finished : { at: 'start', notice: 'start_over' } };
}
