import { z } from 'zod';
import { recordEvent } from '../audit/record.ts';
import { minutes } from '../kit/durations.ts';
import { type Outcome, refused } from '../kit/outcome.ts';
import type { Limited } from '../limits/limits.ts';
import type { LiveKey } from '../store/live.ts';
import type { RequestSource } from '../web/request-source.ts';
import type { Locale } from '../web/words.ts';
import { provePassword } from './change-password.ts';
import { type ConfirmMethod, confirmMethods, keepProof } from './fresh-proof.ts';
import { type Kept, type KindContext, kindNamed, type Occasion } from './second-step-kinds.ts';
import { trySecondStep } from './second-step-tries.ts';

/**
 * The fresh proof itself, for somebody who is signed in. How far it is waits, sealed, in the live state under this account and
 * this session; no answer to it is good for a sign-in, and none to a sign-in for it.
 *
 *   asked (strongest method) --another method--> asked --right answer--> proved, for ten minutes
 *                                                  └──five wrong ones──> the whole sign-in is asked again
 */
const waitingFor = 20 * minutes;

const state = z.object({
  method: z.string(),
  kept: z.record(z.string(), z.unknown()),
  trouble: z.enum(['limited', 'unavailable']).optional(),
  sentAgain: z.boolean(),
});
type State = z.output<typeof state>;

export type Confirming = { accountId: string; sessionUid: string; locale: Locale; from: RequestSource };
export type Asking = Pick<State, 'kept' | 'trouble' | 'sentAgain'> & {
  method: ConfirmMethod;
  methods: ConfirmMethod[];
  /** It begins with something being sent, which a page that is only looked at does not do. */
  toBegin: boolean;
};

/** What the page asks: what was chosen, else the strongest. Nothing when the account has nothing to ask for. */
export async function currentConfirmation(
  ctx: KindContext,
  who: Confirming,
): Promise<Outcome<Asking, 'nothing'>> {
  const methods = await confirmMethods(ctx, who.accountId);
  const [strongest] = methods;
  if (!strongest) return refused('nothing');
  const known = await readState(ctx, who);
  const chosen = known && methods.find((one) => confirmName(one) === known.method);
  if (known && chosen) return { ok: true, methods, ...known, method: chosen, toBegin: false };
  return { ok: true, methods, method: strongest, kept: {}, sentAgain: false, toBegin: begins(strongest) };
}

/** Another method, or the same for another code. What may not prove it changes nothing. */
export async function chooseConfirmation(ctx: KindContext, who: Confirming, name: string): Promise<void> {
  const methods = await confirmMethods(ctx, who.accountId);
  const method = methods.find((one) => confirmName(one) === name);
  if (!method) return;
  const sentAgain = begins(method) && (await readState(ctx, who))?.method === name;
  const known: State = { method: name, sentAgain, ...(await begin(ctx, who, method)) };
  const value = ctx.seals.seal(purposeOf(who), JSON.stringify(known));
  await ctx.live.commit([{ do: 'put', key: stateKey(who), value, ttlMs: waitingFor }]);
}

export type ConfirmRefusal = 'wrong' | 'expired' | 'off' | 'used_up';

/** Proves it with the method that was asked. `used_up`: too many wrong answers, the sign-in itself is asked again. */
export async function confirmIdentity(
  ctx: KindContext,
  who: Confirming,
  answer: Record<string, string>,
): Promise<Outcome<object, ConfirmRefusal> | Limited> {
  const { accountId, sessionUid, from } = who;
  const asking = await currentConfirmation(ctx, who);
  if (!asking.ok) return refused('expired');
  const { method, kept } = asking;
  const checked = await check(ctx, { who, method, kept, answer });
  if (!checked.ok) {
    const detail = { reason: checked.reason, method: method.kind };
    await recordEvent(ctx, { type: 'account.confirm_failed', accountId, sessionUid, detail }, from);
    return 'retryAfterSeconds' in checked ? checked : refused(toldOf(checked.reason));
  }
  const { amr } = checked;
  await keepProof(ctx, { accountId, sessionUid, proof: { at: ctx.clock.now(), amr } });
  await ctx.live.commit([{ do: 'delete', key: stateKey(who) }]);
  await recordEvent(ctx, { type: 'account.confirmed', accountId, sessionUid, detail: { amr } }, from);
  return { ok: true };
}

type Checked = { ok: true; amr: string[] } | { ok: false; reason: string } | Limited;
type Given = { who: Confirming; method: ConfirmMethod; kept: Kept; answer: Record<string, string> };

async function check(ctx: KindContext, { who, method, kept, answer }: Given): Promise<Checked> {
  const { accountId, from } = who;
  if (method.kind === 'password') {
    const password = answer['password'] ?? '';
    const proved = await provePassword(ctx, { accountId, password }, from);
    return proved.ok ? { ok: true, amr: ['pwd'] } : proved;
  }
  const asked = { accountId, method, occasion: occasionOf(who), kept, answer };
  // One for all methods and all pages of the session: choosing again buys no guesses.
  const challenge = `confirm ${who.sessionUid}`;
  return await trySecondStep(ctx, { accountId, challenge }, from, () =>
    kindNamed(method.kind).check(ctx, asked),
  );
}

function toldOf(reason: string): ConfirmRefusal {
  if (reason === 'challenge_used_up') return 'used_up';
  if (reason === 'password_off' || reason === 'off') return 'off';
  return reason === 'expired' || reason === 'not_enrolled' ? 'expired' : 'wrong';
}

async function begin(
  ctx: KindContext,
  who: Confirming,
  method: ConfirmMethod,
): Promise<Pick<State, 'kept' | 'trouble'>> {
  const kind = method.kind === 'password' ? undefined : kindNamed(method.kind);
  if (method.kind === 'password' || !kind?.begin) return { kept: {} };
  const asked = { accountId: who.accountId, method, occasion: occasionOf(who) };
  const begun = await kind.begin(ctx, asked);
  if (begun.ok) return { kept: begun.kept };
  return { kept: {}, trouble: begun.reason === 'unavailable' ? 'unavailable' : 'limited' };
}

function begins({ kind }: ConfirmMethod): boolean {
  return kind !== 'password' && kindNamed(kind).begin !== undefined;
}

function occasionOf({ sessionUid, locale, from }: Confirming): Occasion {
  return { purpose: 'step_up', boundTo: sessionUid, locale, from };
}

async function readState({ live, seals }: KindContext, who: Confirming): Promise<State | undefined> {
  const [entry] = await live.read([stateKey(who)]);
  if (!entry) return undefined;
  const parsed = state.safeParse(JSON.parse(seals.open(purposeOf(who), entry.value)));
  return parsed.success ? parsed.data : undefined;
}

/** As forms name it. */
export function confirmName({ kind, id }: ConfirmMethod): string {
  return `${kind}.${id}`;
}

function stateKey({ accountId, sessionUid }: Confirming): LiveKey {
  return `{account ${accountId}}:confirm:${sessionUid}`;
}

function purposeOf({ accountId, sessionUid }: Confirming): string {
  return `confirm ${accountId} ${sessionUid}`;
}
