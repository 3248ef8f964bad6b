import { frozenUntil } from '../credentials/alarms.ts';
import { findPassword } from '../credentials/password.ts';
import { minutes } from '../kit/durations.ts';
import { ownProofs } from '../kit/levels.ts';
import { type Outcome, refused } from '../kit/outcome.ts';
import type { Services } from '../services.ts';
import type { LiveKey } from '../store/live.ts';
import type { KindContext, KindName, SecondStepMethod } from './second-step-kinds.ts';
import { type TwoStep, twoStepOf } from './second-step-methods.ts';

/**
 * What every sensitive change of an account asks first: was it proved a moment ago, in this session, that it is really them, and
 * with the best they have (NIST SP 800-63B-4 section 4.1.2.1)? A trusted device is no such proof; nor is a text message where
 * the account has something stronger (misuse case MF-17), nor an approval, which another device gave. The proof is given on the page /account/confirm
 * (confirm-identity.ts) and kept, sealed, under this account and this session.
 */
const proofLasts = 10 * minutes;

export type ProvingSession = { uid: string; signedInAt: number; amr: readonly string[] };
export type Proof = { at: number; amr: readonly string[] };
type Who = { accountId: string; sessionUid: string };

export async function freshProof(
  ctx: KindContext,
  { accountId, session }: { accountId: string; session: ProvingSession },
): Promise<Outcome<object, 'stale'> | { ok: false; reason: 'frozen'; until: number }> {
  const [until, twoStep, kept] = await Promise.all([
    frozenUntil(ctx, accountId),
    twoStepOf(ctx, accountId),
    keptProof(ctx, { accountId, sessionUid: session.uid }),
  ]);
  if (until !== undefined) return { ok: false, reason: 'frozen', until };
  const needed = strengthNeeded(twoStep);
  const proofs = [{ at: session.signedInAt, amr: session.amr }, ...(kept ? [kept] : [])];
  const good = ({ at, amr }: Proof) => ctx.clock.now() - at <= proofLasts && strengthOf(amr) >= needed;
  return proofs.some(good) ? { ok: true } : refused('stale');
}

/**
 * The same whenever it was given: for what wants this session to have passed the second step, and not to pass it anew. A
 * browser that was trusted instead has not.
 */
export async function strongProof(
  ctx: KindContext,
  { accountId, session }: { accountId: string; session: ProvingSession },
): Promise<Outcome<{ proof: Proof }, 'weak'> | { ok: false; reason: 'frozen'; until: number }> {
  const [until, twoStep, kept] = await Promise.all([
    frozenUntil(ctx, accountId),
    twoStepOf(ctx, accountId),
    keptProof(ctx, { accountId, sessionUid: session.uid }),
  ]);
  if (until !== undefined) return { ok: false, reason: 'frozen', until };
  const proofs = [{ at: session.signedInAt, amr: session.amr }, ...(kept ? [kept] : [])];
  const proof = proofs.find(({ amr }) => strengthOf(amr) >= strengthNeeded(twoStep));
  return proof ? { ok: true, proof } : refused('weak');
}

/** What may give the proof, the strongest first; without a second step that is the password, after a passkey. */
export type ConfirmMethod = SecondStepMethod | { kind: 'password'; id: 'password' };

export async function confirmMethods(ctx: KindContext, accountId: string): Promise<ConfirmMethod[]> {
  const twoStep = await twoStepOf(ctx, accountId);
  const needed = strengthNeeded(twoStep);
  const own = twoStep.methods.filter(({ kind }) => kind !== 'approval');
  const enough = own.filter(({ weak }) => (weak ? 2 : 3) >= needed);
  const second = enough.toSorted((one, other) => rank[one.kind] - rank[other.kind]);
  if (twoStep.on) return second;
  const password = (await findPassword(ctx, accountId))
    ? [{ kind: 'password', id: 'password' } as const]
    : [];
  return [...second.filter(({ kind }) => kind === 'passkey'), ...password];
}

/** Keeps that it was proved. A better proof from a moment ago stands: somebody who adds a number has not lost what they showed. */
export async function keepProof(
  { live, seals }: Pick<Services, 'live' | 'seals'>,
  { proof, ...who }: Who & { proof: Proof },
): Promise<void> {
  const before = await keptProof({ live, seals }, who);
  if (before && strengthOf(before.amr) > strengthOf(proof.amr)) return;
  const value = seals.seal(purposeOf(who), JSON.stringify(proof));
  await live.commit([{ do: 'put', key: proofKey(who), value, ttlMs: proofLasts }]);
}

/** What was proved in this session in the last ten minutes, beside signing in. */
export async function keptProof(
  { live, seals }: Pick<Services, 'live' | 'seals'>,
  who: Who,
): Promise<Proof | undefined> {
  const [entry] = await live.read([proofKey(who)]);
  return entry && JSON.parse(seals.open(purposeOf(who), entry.value));
}

const rank: Record<KindName, number> = { passkey: 0, approval: 1, totp: 2, backup_code: 3, text: 4 };

/** 3: a second factor that is hard to steal. 2: a text message. 1: a password. */
function strengthNeeded({ on, methods }: TwoStep): number {
  if (!on) return 1;
  const own = methods.filter(({ kind }) => kind !== 'approval');
  return own.length > 0 && own.every(({ weak, kind }) => weak || kind === 'backup_code') ? 2 : 3;
}

/** By what RFC 8176 calls them. An approval adds nothing: who was wheedled out of one has proved nothing to whoever got it. */
function strengthOf(amr: readonly string[]): number {
  const own = ownProofs(amr);
  if (['otp', 'hwk', 'swk', 'pop'].some((one) => own.includes(one))) return 3;
  if (own.includes('sms')) return 2;
  return amr.length > 0 ? 1 : 0;
}

function proofKey({ accountId, sessionUid }: Who): LiveKey {
  return `{account ${accountId}}:proof:${sessionUid}`;
}

/** Sealed for both: a proof cannot be put under another session by whoever can write to the live state. */
function purposeOf({ accountId, sessionUid }: Who): string {
  return `fresh proof ${accountId} ${sessionUid}`;
}
