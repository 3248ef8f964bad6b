import { recordEvent } from '../audit/record.ts';
import { listPasskeys, renamePasskey as rename } from '../credentials/passkeys.ts';
import { done, type Outcome, refused } from '../kit/outcome.ts';
import type { RequestSource } from '../web/request-source.ts';
import type { PasskeyContext } from './ask-passkey.ts';

/** For its owner to know it by. `unknown` also for one of somebody else. */
export async function renamePasskey(
  app: PasskeyContext,
  { accountId, sessionUid, id, name }: { accountId: string; sessionUid: string; id: string; name: string },
  from: RequestSource,
): Promise<Outcome<object, 'unknown' | 'name_taken'>> {
  const others = (await listPasskeys(app, accountId)).filter((one) => one.id !== id);
  if (others.some((one) => one.name === name)) return refused('name_taken');
  if (!(await rename(app, { accountId, id, name }))) return refused('unknown');
  await recordEvent(
    app,
    { type: 'passkey.renamed', accountId, sessionUid, detail: { credential: id } },
    from,
  );
  return done;
}
