import { acrFor, wantedLevel } from '../kit/levels.ts';
import { type Outcome, refused } from '../kit/outcome.ts';
import type { ProvedBy } from '../oidc/cross-device/answer-asked.ts';
import type { Asked } from '../oidc/cross-device/asked.ts';
import type { App } from '../services.ts';
import { type ProvingSession, strongProof } from './fresh-proof.ts';

/**
 * Whether this session may answer what was asked on another device: as strong as the account asks for when it signs in (misuse
 * case DF-09), and as fresh as the app wants it (`max_age`, OpenID Connect Core section 3.1.2.1, counted from when it asked).
 * What is said in the ID token is what was proved here.
 */
export async function proofForAnotherDevice(
  app: App,
  { accountId, session, asked }: { accountId: string; session: ProvingSession; asked: Asked },
): Promise<
  Outcome<{ proved: ProvedBy }, 'too_old' | 'weak'> | { ok: false; reason: 'frozen'; until: number }
> {
  const maxAge = Number(asked.params['max_age'] ?? Number.POSITIVE_INFINITY);
  if (session.signedInAt < asked.askedAt - maxAge * 1000) return refused('too_old');
  const strong = await strongProof(app, { accountId, session });
  if (!strong.ok) return strong;
  const { at, amr } = strong.proof;
  const acr = acrFor(amr, wantedLevel(asked.params));
  const authTime = Math.floor(Math.max(at, session.signedInAt) / 1000);
  const proved = { sessionUid: session.uid, authTime, amr, ...(acr === undefined ? {} : { acr }) };
  return { ok: true, proved };
}
