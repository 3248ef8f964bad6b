import { addAccount } from '../accounts/account.ts';
import { recordEvent } from '../audit/record.ts';
import { checkContactCode, returnContactCode } from '../credentials/contact-codes.ts';
import { storePasswordHash } from '../credentials/password.ts';
import type { Outcome } from '../kit/outcome.ts';
import { type Limited, takeFromLimits } from '../limits/limits.ts';
import { codeCameBack } from '../limits/message-budget.ts';
import type { Services } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';
import { endAccessOfDisplaced } from './end-all-access.ts';
import { afterFirstFactor, type NextStep, type SignInProgress } from './sign-in.ts';
import { codeIsAbout } from './sign-up.ts';

type Context = Pick<Services, 'db' | 'clock' | 'live' | 'seals' | 'log' | 'metrics' | 'settings'>;
type ProveAddress = Extract<SignInProgress, { at: 'prove_address' }>;

/**
 * The second half of signing up: the code that was sent shows whose the address is, and only now there is an account.
 * Somebody may have proved the same address meanwhile; that ends where everybody else starts, with a sentence that says
 * how to go on.
 */
export async function proveAddress(
  app: Context,
  { progress, code, interactionUid }: { progress: ProveAddress; code: string; interactionUid: string },
  from: RequestSource,
): Promise<Outcome<{ next: NextStep }, 'wrong_code' | 'expired'> | Limited> {
  const room = await takeFromLimits(app, [{ limit: 'code_guess_by_address', key: from.ip }]);
  if (!room.ok) return room;
  const about = codeIsAbout({ interactionUid }, progress);
  const given = { purpose: 'sign_up', about, id: progress.codeId, code } as const;
  const checked = await checkContactCode(app, given);
  if (!checked.ok) return checked;
  await codeCameBack(app, progress);
  const accountId = await makeAccount(app, progress, from).catch(async (error: unknown) => {
    // What is to be told is the first trouble.
    await returnContactCode(app, checked.used).catch(() => undefined);
    throw error;
  });
  if (!accountId) return { ok: true, next: { at: 'start', notice: 'address_taken' } };
  return { ok: true, next: afterFirstFactor(app, { accountId, remember: false }) };
}

async function makeAccount(
  app: Context,
  { channel, address, written, pending }: ProveAddress,
  from: RequestSource,
): Promise<string | undefined> {
  const { accountId: wanted, name, hash, pepperId } = pending;
  const contacts = [{ channel, address, written, verified: true }];
  const added = await addAccount(app, { accountId: wanted, profile: { name }, contacts });
  if (!added.ok) return undefined;
  const { accountId, displaced } = added;
  // Whoever claimed the address without proof may be waiting inside for its owner to come (misuse case SI-17).
  await endAccessOfDisplaced(app, displaced, (other) =>
    recordEvent(app, { type: 'contact.displaced', accountId: other, detail: { channel } }, from),
  );
  // Should this be as far as it gets, the person comes again with the same code and goes on from here.
  await storePasswordHash(app, { accountId, hash, pepperId });
  await recordEvent(app, { type: 'account.created', accountId, detail: { channel, by: 'sign_up' } }, from);
  await recordEvent(app, { type: 'contact.proved', accountId, detail: { channel } }, from);
  return accountId;
}
