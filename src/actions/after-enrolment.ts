import type { AuditEvent } from '../audit/catalogue.ts';
import { recordEvent } from '../audit/record.ts';
import { newId } from '../kit/secrets.ts';
import type { Services } from '../services.ts';
import { knownFor } from '../store/in-doubt.ts';
import type { LiveKey } from '../store/live.ts';
import type { RequestSource } from '../web/request-source.ts';
import type { Locale } from '../web/words.ts';
import { cutOffOthers, recordEnded } from './end-other-sessions.ts';
import { keepProof } from './fresh-proof.ts';
import { notifyAccount } from './notify-account.ts';

type Context = Pick<Services, 'db' | 'clock' | 'live' | 'seals' | 'log' | 'metrics' | 'settings'>;
type Enrolled = {
  accountId: string;
  sessionUid: string;
  /** What waited in the live state for the code, and is used up by it. */
  used: { key: LiveKey; value: string };
  /** What the code proved (RFC 8176); undefined where none was shown, for it was added before. */
  amr: readonly string[] | undefined;
  event: AuditEvent;
  template: 'second_step_added' | 'text_step_added';
  locale: Locale | undefined;
};

/**
 * What follows once a method was added by a code. Also where the live state is away by now: it is on already, and nobody might come
 * again for what follows.
 */
export async function afterEnrolment(
  ctx: Context,
  { accountId, sessionUid, used: { key, value }, amr, event, template, locale }: Enrolled,
  from: RequestSource | undefined,
): Promise<void> {
  const by = newId();
  const proof = amr && { at: ctx.clock.now(), amr };
  await cutOffOthers(ctx, { accountId, except: sessionUid }, async (ended) => {
    const used = await ctx.live.commit([
      { do: 'expect', key, value },
      { do: 'consume', key, by, keepMs: knownFor(ctx) },
    ]);
    // The code is used up; where the account has nothing stronger, the next change needs no second one.
    if (proof) await keepProof(ctx, { accountId, sessionUid, proof });
    // Of a form that was posted twice, one request uses it up and goes on to tell everybody. If it went otherwise: rather two than none.
    const tells = used.ok || used.reason !== 'consumed';
    if (tells) await recordEvent(ctx, event, from);
    await recordEnded(ctx, { accountId, ended }, from);
    if (tells) await notifyAccount(ctx, { accountId, pageLocale: locale, template });
  });
}
